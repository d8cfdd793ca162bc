//! `lotline-station commands`: the sheet of command barcodes, to be hung beside the line.

mod pdf;

use std::path::PathBuf;

use labels::code_128;

use self::pdf::{Font, HEIGHT, Page, WIDTH};
use super::{Config, Fault, print_json};
use crate::settings::Settings;
use crate::station::{Command, Role};

#[derive(clap::Args)]
pub(super) struct CommandsArgs {
    /// Write the sheet into this file: A4, PDF
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: Config,
}

/// Width of a module in millimetres: 13 mil, which hand scanners read from an arm's length.
const MODULE: f64 = 0.33;
/// A long text is printed finer, down to this: 10 mil.
const FINEST: f64 = 0.25;
/// Margin of the sheet.
const MARGIN: f64 = 15.0;
/// Where the barcodes begin, from the left.
const CODES: f64 = 76.0;
/// The place of one command.
const ROW: f64 = 26.0;
/// Height of the bars.
const BARS: f64 = 13.0;
/// Where the first command begins, from the top.
const TOP: f64 = 34.0;

/// A command on the sheet: its name, what it does, and the text of its barcode.
struct Row<'s> {
    title: String,
    does: &'static str,
    text: &'s str,
}

pub(super) fn run(args: &CommandsArgs) -> Result<(), Fault> {
    let settings = args.config.settings()?;
    let rows = rows(&settings);
    if let Some(file) = &args.pdf {
        let sheet = sheet(&settings.station, &rows).map_err(Fault::No)?;
        let failed = |error: std::io::Error| Fault::No(format!("cannot write `{}`: {error}", file.display()));
        std::fs::write(file, sheet).map_err(failed)?;
    }
    if args.json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| serde_json::json!({"command": row.title, "text": row.text, "does": row.does}))
            .collect();
        return print_json(&rows);
    }
    match &args.pdf {
        Some(file) => println!("{}: {} commands", file.display(), rows.len()),
        None => rows.iter().for_each(|row| println!("{:<32} {}", row.text, row.does)),
    }
    Ok(())
}

/// The commands in the order in which people need them.
fn rows(settings: &Settings) -> Vec<Row<'_>> {
    let mut rows: Vec<(Command, Row<'_>)> = Vec::new();
    for (text, command) in &settings.rules.commands {
        rows.push((*command, Row { title: title(*command), does: does(*command), text }));
    }
    rows.sort_by_key(|(command, _)| *command);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn title(command: Command) -> String {
    command.to_string().replace('-', " ").to_uppercase()
}

/// What a command does, in a line or two.
fn does(command: Command) -> &'static str {
    match command {
        Command::ClosePackage => "Closes the open package, full or not.",
        Command::ClosePallet => "Closes the open pallet, full or not.",
        Command::CloseLevel(_) => "Closes the open container of this level, full or not.",
        Command::VoidLast => "Takes the last unit back: it was a mistake.",
        Command::Move => "Scan the unit or box, then the box that it goes into.",
        Command::Correct => "As MOVE: it was never in the old box, that was a mistake.",
        Command::TakeOut => "Scan the unit or box that is taken out.",
        Command::Scrap => "Scan the unit that is scrap.",
        Command::Hold => "Scan the unit that must not leave.",
        Command::Release => "Scan the unit that was put on hold here, then a supervisor's badge.",
        Command::Reopen => "Scan the label of the box that is opened again.",
        Command::AgainLabel => "Scan the box whose label is printed again.",
        Command::Seal => "Scan the work order or box that is done here.",
        Command::Adopt => "Scan the open box of a dead station: this lane goes on with it.",
        Command::Cancel => "Nothing after all.",
        Command::SignOff => "The person at this lane leaves.",
        Command::Finish => "The recount, assembly or despatch is complete.",
        Command::Role(Role::Pack) => "This lane packs units.",
        Command::Role(Role::Palletise) => "This lane puts packages onto pallets.",
        Command::Role(Role::Test) => "This lane tests units.",
        Command::Role(Role::Assemble) => "This lane builds components into units.",
        Command::Role(Role::Despatch) => "This lane sends boxes off.",
        Command::Role(Role::Recount) => "This lane counts boxes again.",
        Command::Role(Role::Check) => "This lane looks up and changes nothing.",
    }
}

/// The sheet; or which text cannot be a barcode on it, and why.
fn sheet(station: &str, rows: &[Row<'_>]) -> Result<Vec<u8>, String> {
    let on_a_page = ((HEIGHT - TOP - MARGIN) / ROW) as usize;
    let mut pages = Vec::new();
    for (number, rows) in rows.chunks(on_a_page.max(1)).enumerate() {
        let mut page = Page::default();
        let title = format!("Commands of station {station}");
        page.text((MARGIN, 20.0), Font::Bold, 16.0, &title);
        let about = format!("Scan a command, then what it asks for. Page {}", number + 1);
        page.text((MARGIN, 26.0), Font::Regular, 9.0, &about);
        for (place, row) in rows.iter().enumerate() {
            draw(&mut page, TOP + ROW * place as f64, row)?;
        }
        pages.push(page);
    }
    Ok(pdf::file(&pages))
}

fn draw(page: &mut Page, top: f64, row: &Row<'_>) -> Result<(), String> {
    let bars = code_128(row.text).ok_or_else(|| {
        format!("`{}` cannot be a Code 128: change it under [commands], ASCII alone is allowed", row.text)
    })?;
    let modules: f64 = bars.iter().map(|width| f64::from(*width)).sum();
    let room = WIDTH - MARGIN - CODES;
    let module = MODULE.min(room / modules);
    if module < FINEST {
        return Err(format!("`{}` is too long for the sheet: change it under [commands]", row.text));
    }
    page.text((MARGIN, top + 5.0), Font::Bold, 12.0, &row.title);
    for (line, words) in wrapped(row.does, 34).iter().enumerate() {
        page.text((MARGIN, top + 10.0 + 4.0 * line as f64), Font::Regular, 9.0, words);
    }
    let mut left = CODES;
    for (place, width) in bars.iter().enumerate() {
        let width = f64::from(*width) * module;
        if place % 2 == 0 {
            page.bar((left, top), width, BARS);
        }
        left += width;
    }
    page.text((CODES, top + BARS + 4.0), Font::Mono, 9.0, row.text);
    Ok(())
}

/// Lines of at most so many characters.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut().filter(|line| line.len() + 1 + word.len() <= most) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
