//! `lotline-station label`: what a label template would print, without a printer; and the labels of the running station.

use std::path::{Path, PathBuf};

use labels::{Data, Label, Picture, Template};
use serde::Serialize;

use super::{Fault, Printed, ask, print_json, show};
use crate::local::{Asked, Said};

#[derive(clap::Args)]
pub(super) struct LabelArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Name every fault of a template at once
    Check(Named),
    /// Draw the template's own tests and tell the codes on them
    Test(Named),
    /// Draw a label as a PNG picture, with the data of the template's first test unless --set says otherwise
    Preview {
        #[command(flatten)]
        named: Named,
        /// A field and its value
        #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = field_and_value)]
        set: Vec<(String, String)>,
        /// Where the picture goes; beside the template by default
        #[arg(long, value_name = "FILE.png")]
        out: Option<PathBuf>,
    },
    #[command(flatten)]
    Asking(Asking),
}

#[derive(clap::Subcommand)]
enum Asking {
    /// The newest labels of the running station
    Jobs {
        /// At most so many
        #[arg(long, default_value_t = 20)]
        most: usize,
        #[command(flatten)]
        printed: Printed,
    },
    /// Print a label again, with the same identity; it goes on record with its reason
    Again {
        /// Its number, as `label jobs` tells it
        job: u64,
        /// Why, such as "torn"
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        printed: Printed,
    },
    /// Say that a doubtful label did come out
    CameOut {
        /// Its number, as `label jobs` tells it
        job: u64,
        #[command(flatten)]
        printed: Printed,
    },
}

#[derive(clap::Args)]
struct Named {
    /// The template
    file: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// What was drawn.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Drawn {
    name: String,
    width_dots: u32,
    height_dots: u32,
    codes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
}

impl Drawn {
    fn of(name: &str, picture: &Picture) -> Self {
        let codes = picture.codes().iter().map(|code| format!("{}{}", code.aim, code.data)).collect();
        let canvas = picture.canvas();
        Self { name: name.to_owned(), width_dots: canvas.width(), height_dots: canvas.height(), codes, file: None }
    }

    fn say(&self) {
        println!("{}: {} x {} dots", self.name, self.width_dots, self.height_dots);
        self.codes.iter().for_each(|code| println!("  {}", show::plain(code)));
    }
}

fn field_and_value(text: &str) -> Result<(String, String), String> {
    let (field, value) = text.split_once('=').ok_or("write FIELD=VALUE, such as lotCode=L7")?;
    Ok((field.to_owned(), value.to_owned()))
}

pub(super) fn run(args: &LabelArgs) -> Result<(), Fault> {
    match &args.what {
        What::Check(named) => check(named),
        What::Test(named) => test(named),
        What::Preview { named, set, out } => preview(named, set, out.as_deref()),
        What::Asking(asking) => ask_station(asking),
    }
}

fn ask_station(asking: &Asking) -> Result<(), Fault> {
    let (printed, asked) = match asking {
        Asking::Jobs { most, printed } => (printed, Asked::Labels { most: *most }),
        Asking::Again { job, reason, printed } => {
            (printed, Asked::LabelAgain { job: *job, reason: reason.clone(), seen: None })
        }
        Asking::CameOut { job, printed } => (printed, Asked::LabelCameOut { job: *job, seen: None }),
    };
    match ask::ask(&printed.config, &asked)? {
        Said::Labels(jobs) if printed.json => print_json(&jobs),
        Said::Labels(jobs) => {
            jobs.iter().for_each(|job| println!("{}", show::label(job)));
            Ok(())
        }
        Said::Answer(answer) => ask::tell(&answer, printed.json),
        _ => Err(ask::not_an_answer()),
    }
}

fn load(file: &Path) -> Result<Template, Fault> {
    Template::load(file).map_err(|faults| Fault::No(faults.to_string()))
}

fn check(named: &Named) -> Result<(), Fault> {
    let result = Template::load(&named.file);
    if named.json {
        let faults = result.as_ref().err().map(base::config::Faults::to_json);
        print_json(
            &serde_json::json!({ "ok": faults.is_none(), "faults": faults.unwrap_or_else(|| serde_json::json!([])) }),
        )?;
        return result.map(drop).map_err(|_| Fault::No(String::new()));
    }
    let template = result.map_err(|faults| Fault::No(faults.to_string()))?;
    let (width, height) = template.size_mm();
    println!(
        "{}: good. {} of {width} x {height} mm, digest {}",
        named.file.display(),
        template.name(),
        template.digest()
    );
    Ok(())
}

fn test(named: &Named) -> Result<(), Fault> {
    let template = load(&named.file)?;
    let mut drawn = Vec::new();
    for test in template.tests() {
        drawn.push(Drawn::of(&test.name, &draw(&template, &test.data)?));
    }
    if named.json {
        return print_json(&drawn);
    }
    drawn.iter().for_each(Drawn::say);
    Ok(())
}

fn preview(named: &Named, set: &[(String, String)], out: Option<&Path>) -> Result<(), Fault> {
    let template = load(&named.file)?;
    let mut data = template.tests().first().map(|test| test.data.clone()).unwrap_or_default();
    for (field, value) in set {
        if !template.fields().contains(field) {
            let known = template.fields().join(", ");
            return Err(Fault::Usage(format!(
                "the template has no field `{}`: fields are {known}",
                field.escape_debug()
            )));
        }
        data.set(field, value);
    }
    let picture = draw(&template, &data)?;
    let path = out.map_or_else(|| named.file.with_extension("png"), Path::to_owned);
    let png = picture.png().map_err(|error| Fault::no(&error))?;
    base::files::write_atomic(&path, &png, 0o644).map_err(|error| Fault::no(&error))?;
    let drawn = Drawn { file: Some(path.clone()), ..Drawn::of(template.name(), &picture) };
    if named.json {
        return print_json(&drawn);
    }
    drawn.say();
    println!("  drawn in {}", path.display());
    Ok(())
}

fn draw(template: &Template, data: &Data) -> Result<Picture, Fault> {
    Label { template, data }.draw().map_err(|problems| Fault::No(problems.to_string()))
}
