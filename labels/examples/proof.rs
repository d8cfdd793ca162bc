//! Draws every test of every template of a folder, at three densities, into PNG and ZPL files with a list of what a scanner must
//! read, for `labels/proof/prove` to check with independent programs: `cargo run -p labels --example proof -- OUT TEMPLATE…`.

use std::error::Error;
use std::fs;
use std::path::Path;

use labels::{Density, Label, Language, Template, Zpl};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = arguments.next().ok_or("usage: proof OUT TEMPLATE…")?;
    fs::create_dir_all(&out)?;
    let mut list = String::new();
    for file in arguments {
        let template = Template::load(Path::new(&file))?;
        for (test, number) in template.tests().iter().zip(1..) {
            for dots_per_mm in [8.0, 12.0, 24.0] {
                let density = Density::new(dots_per_mm).ok_or("no such density")?;
                let name = format!("{}-{number}-{dots_per_mm}", template.name());
                let picture = Label { template: &template, data: &test.data }.draw_at(density)?;
                fs::write(format!("{out}/{name}.png"), picture.png()?)?;
                fs::write(format!("{out}/{name}.zpl"), Zpl::default().encode(&picture)?)?;
                let codes: Vec<String> = picture.codes().iter().map(ToString::to_string).collect();
                let (width, height) = template.size_mm();
                list += &format!("{name}\t{dots_per_mm}\t{width}\t{height}\t{}\n", codes.join("\t"));
            }
        }
    }
    fs::write(format!("{out}/labels.tsv"), list)?;
    Ok(())
}
