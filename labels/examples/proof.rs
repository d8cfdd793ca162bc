//! Draws every test of every template at three densities into PNG and ZPL files, with a list of what a scanner must read, for
//! `labels/proof/prove` to check with independent programs: `cargo run -p labels --example proof -- OUT TEMPLATE…`.
//!
//! Beside them it draws labels that are wrong on purpose, each with the checks that must find it out.

use std::error::Error;
use std::fs;
use std::path::Path;

use labels::{Data, Density, Label, Language, Picture, Template, Zpl};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The folder, and the lines of its list: name, dots per millimetre, width and height in millimetres, the checks that must fail,
/// and the codes.
struct Out {
    folder: String,
    list: String,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: proof OUT TEMPLATE…")?;
    fs::create_dir_all(&folder)?;
    let mut out = Out { folder, list: String::new() };
    let mut first = None;
    for file in arguments {
        let template = Template::load(Path::new(&file))?;
        for (test, number) in template.tests().iter().zip(1..) {
            let codes = test.codes.as_deref().ok_or("a test does not say which codes it has")?;
            for dots_per_mm in [8.0, 12.0, 24.0] {
                let density = Density::new(dots_per_mm).ok_or("no such density")?;
                let picture = Label { template: &template, data: &test.data }.draw_at(density)?;
                let zpl = Zpl::default().encode(&picture)?;
                let name = format!("{}-{number}-{dots_per_mm}", template.name());
                out.write(&name, &template, &picture, &zpl, "", codes)?;
            }
        }
        first.get_or_insert(template);
    }
    out.spoilt(&first.ok_or("no template")?)?;
    fs::write(format!("{}/labels.tsv", out.folder), out.list)?;
    Ok(())
}

impl Out {
    fn write(
        &mut self,
        name: &str,
        template: &Template,
        picture: &Picture,
        zpl: &[u8],
        must_fail: &str,
        codes: &[String],
    ) -> Result<()> {
        fs::write(format!("{}/{name}.png", self.folder), picture.png()?)?;
        fs::write(format!("{}/{name}.zpl", self.folder), zpl)?;
        let ((width, height), dots) = (template.size_mm(), picture.density().dots_per_mm());
        self.list += &format!("{name}\t{dots}\t{width}\t{height}\t{must_fail}\t{}\n", codes.join("\t"));
        Ok(())
    }

    /// The first test of the template with one fault each.
    fn spoilt(&mut self, template: &Template) -> Result<()> {
        let test = template.tests().first().ok_or("no test")?;
        let codes = test.codes.clone().unwrap_or_default();
        let draw = |data: &Data| -> Result<(Picture, Vec<u8>)> {
            let picture = Label { template, data }.draw()?;
            let zpl = Zpl::default().encode(&picture)?;
            Ok((picture, zpl))
        };
        let (picture, zpl) = draw(&test.data)?;

        // A dot in the white of the margin.
        let dot = String::from_utf8(zpl.clone())?.replace("^PQ", "^FO1,1^GB1,1,1^FS^PQ");
        self.write("spoilt-dot", template, &picture, dot.as_bytes(), "zpl-renderer-js zplkit", &codes)?;

        let (other, other_zpl) = draw(&test.data.clone().with("sscc", "095212349999999995"))?;
        self.write("spoilt-content", template, &other, &other_zpl, "zxing-cpp", &codes)?;

        let plain: Vec<String> = codes.iter().map(|code| code.replace("]C1", "]C0")).collect();
        self.write("spoilt-aim", template, &picture, &zpl, "zxing-cpp", &plain)?;

        self.write("spoilt-extra", template, &picture, &zpl, "zxing-cpp", &[])?;
        let more = [codes, vec!["]C1010".to_owned()]].concat();
        self.write("spoilt-missing", template, &picture, &zpl, "zxing-cpp", &more)
    }
}
