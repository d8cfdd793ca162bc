//! Reading a template. A fault is told at the key that has it, also when it only shows while a test is drawn.

use std::collections::BTreeSet;

use base::config::{Document, Faults, Section};

use super::{Align, Area, Barcode, Content, Element, Fit, FontSize, Kind, Media, Template, Test, Text};
use crate::data::{Data, FIELDS, Pattern, check_field};
use crate::draw::draw;
use crate::font::{Fonts, Weight};
use crate::picture::{Density, Digest};
use crate::problem::{Placed, Problem};

/// Millimetres in a point.
const POINT: f64 = 25.4 / 72.0;
/// The longest side of a label in millimetres.
const LONGEST: f64 = 500.0;

/// `Ok(None)` cannot happen with a document without faults.
pub(super) fn template(document: Document, fonts: Fonts, text: &str) -> Result<Option<Template>, Faults> {
    let root = document.root();
    let name = root.string("name").required();
    let logistic = root.boolean("gs1_logistic_label").or(false);
    let mut known: Vec<String> = FIELDS.map(str::to_owned).to_vec();
    known.extend(root.strings("more_fields").or(Vec::new()));
    known.sort();
    let media = media(&root.required_section("media"));
    let sections = root.sections("element");
    if sections.is_empty() {
        root.fault("element", "is missing, allowed: at least one element", "add a table [[element]]");
    }
    let mut used = BTreeSet::new();
    let elements: Vec<Option<Element>> = sections.iter().map(|section| element(section, &known, &mut used)).collect();
    let test_sections = root.sections("test");
    if test_sections.is_empty() {
        let help = "add a table [[test]] with values for every field, the first is the example for previews";
        root.fault("test", "is missing, allowed: at least one test", help);
    }
    let tests: Vec<Test> = test_sections.iter().map(|section| test(section, &known)).collect();
    let elements: Option<Vec<Element>> = elements.into_iter().collect();
    let template = media.zip(elements).map(|(media, elements)| {
        let fields = used.into_iter().collect();
        let (digest, source) = (Digest::of(&[text.as_bytes()]), text.to_owned());
        Template { name, media, logistic, elements, fonts, digest, source, fields, tests }
    });
    if let Some(template) = &template {
        prove(template, &root, &sections, &test_sections);
    }
    document.finish()?;
    Ok(template)
}

/// Draws every test. A problem that several tests have is told once.
fn prove(template: &Template, root: &Section<'_>, elements: &[Section<'_>], tests: &[Section<'_>]) {
    let mut told: Vec<(usize, std::mem::Discriminant<Problem>)> = Vec::new();
    for (test, section) in template.tests.iter().zip(tests) {
        let problems = match draw(template, &test.data, template.media.density) {
            Err(problems) => problems.0,
            Ok(picture) => {
                let found: Vec<String> = picture.codes.iter().map(ToString::to_string).collect();
                if let Some(expected) = test.codes.clone().filter(|expected| *expected != found) {
                    let problem = Problem::Codes { found, expected };
                    section.fault("codes", problem.in_full(), problem.help());
                }
                continue;
            }
        };
        for Placed { element, problem } in problems {
            let kind = (element, std::mem::discriminant(&problem));
            if told.contains(&kind) {
                continue;
            }
            told.push(kind);
            let message = format!("{} (test \"{}\")", problem.in_full(), test.name);
            match element.checked_sub(1).and_then(|at| elements.get(at)) {
                None => root.fault(problem.key(), message, problem.help()),
                Some(section) => {
                    let keys = [problem.key(), "data"];
                    match keys.into_iter().find(|key| section.has(key)) {
                        Some(key) => section.fault(key, message, problem.help()),
                        None => section.fault_here(message, problem.help()),
                    }
                }
            }
        }
    }
}

fn media(section: &Section<'_>) -> Option<Media> {
    let width = section.float("width", 5.0..=LONGEST).required_option();
    let height = section.float("height", 5.0..=LONGEST).required_option();
    let margin = section.float("margin", 0.0..=50.0).or(2.0);
    let dpi = section.integer("dpi", 100..=1200_u32).optional();
    let sold_as = dpi.and_then(|dpi| match dpi {
        203 => Some(8.0),
        300 => Some(12.0),
        600 => Some(24.0),
        _ => {
            let help = "write 203, 300 or 600, or give dots_per_mm of the print head instead";
            section.fault("dpi", format!("found {dpi}, allowed: 203, 300, 600"), help);
            None
        }
    });
    let exact = section.float("dots_per_mm", 4.0..=50.0).optional();
    if section.is_present() && !section.has("dpi") && !section.has("dots_per_mm") {
        section.fault("dpi", "is missing, allowed: 203, 300, 600", "write dpi = 203, or what the printer has");
    }
    let dots_per_mm = exact.or(sold_as)?;
    Some(Media { width: width?, height: height?, margin, density: Density::new(dots_per_mm)? })
}

fn element(section: &Section<'_>, known: &[String], used: &mut BTreeSet<String>) -> Option<Element> {
    let when = section.strings("when").or(Vec::new());
    for (index, field) in when.iter().enumerate() {
        match check_field(field, known) {
            Ok(()) => drop(used.insert(field.clone())),
            Err(error) => section.fault_at_item("when", index, error.to_string(), "correct it"),
        }
    }
    type Reader = fn(&Section<'_>, &mut Fields<'_>) -> Option<Kind>;
    let kinds: [(&str, Reader); 5] =
        [("text", text), ("line", line), ("frame", frame), ("gs1-128", gs1_128), ("code128", code128)];
    let Some(reader) = section.one_of("kind", &kinds).required_option() else {
        section.accept_any_key();
        return None;
    };
    let kind = reader(section, &mut Fields { known, used })?;
    Some(Element { when, kind })
}

/// The fields that may be used, and those that are.
struct Fields<'a> {
    known: &'a [String],
    used: &'a mut BTreeSet<String>,
}

impl Fields<'_> {
    fn pattern(&mut self, text: &str) -> Result<Pattern, String> {
        let pattern = Pattern::parse(text, self.known).map_err(|error| error.to_string())?;
        self.used.extend(pattern.fields().map(str::to_owned));
        Ok(pattern)
    }
}

fn text(section: &Section<'_>, fields: &mut Fields<'_>) -> Option<Kind> {
    let content = section.parsed("text", "a text with known fields", |text| fields.pattern(text)).required_option();
    let title = section.string("title").optional();
    let title_size = size(section, "title_size").unwrap_or(FontSize::Capitals(1.8));
    let size_found = size(section, "size");
    if size_found.is_none() && !section.has("size_mm") && !section.has("size_pt") {
        let help = "write size_mm, the height of capitals, or size_pt";
        section.fault("size_mm", "is missing, allowed: a number from 0.5 to 200", help);
    }
    let smallest = size(section, "smallest");
    #[derive(Clone)]
    enum Word {
        Error,
        Wrap,
        Shrink,
    }
    let words = [("error", Word::Error), ("wrap", Word::Wrap), ("shrink", Word::Shrink)];
    let fit = match (section.one_of("fit", &words).or(Word::Error), smallest) {
        (Word::Error, _) => Fit::Refuse,
        (Word::Wrap, _) => Fit::Wrap,
        (Word::Shrink, Some(smallest)) => Fit::Shrink(smallest),
        (Word::Shrink, None) => {
            section.fault("fit", "\"shrink\" needs smallest_mm or smallest_pt", "add smallest_mm = …");
            Fit::Refuse
        }
    };
    let align = align(section, Align::Left);
    let vertical = section.one_of("vertical", &[("top", 0.0), ("middle", 0.5), ("bottom", 1.0)]).or(0.0);
    let weight = match section.boolean("bold").or(false) {
        true => Weight::Bold,
        false => Weight::Regular,
    };
    let invert = section.boolean("invert").or(false);
    let needs_height = invert || matches!(fit, Fit::Wrap) || section.has("vertical");
    let area = area(section, needs_height);
    let (text, size, area) = (content?, size_found?, area?);
    Some(Kind::Text(Text { area, text, title, title_size, size, fit, align, vertical, weight, invert }))
}

fn line(section: &Section<'_>, _: &mut Fields<'_>) -> Option<Kind> {
    let thickness = section.float("thickness", 0.05..=20.0).or(0.3);
    let (left, top) = position(section);
    let width = section.float("width", 0.1..=LONGEST).optional();
    let height = section.float("height", 0.1..=LONGEST).optional();
    let (width, height) = match (width, height) {
        (Some(width), None) => (width, thickness),
        (None, Some(height)) => (thickness, height),
        _ => {
            let help = "write width for a horizontal line, height for a vertical one";
            section.fault_here("a line has either a width or a height", help);
            return None;
        }
    };
    Some(Kind::Line(Area { left: left?, top: top?, width, height }))
}

fn frame(section: &Section<'_>, _: &mut Fields<'_>) -> Option<Kind> {
    let thickness = section.float("thickness", 0.05..=20.0).or(0.3);
    Some(Kind::Frame { area: area(section, true)?, thickness })
}

fn gs1_128(section: &Section<'_>, fields: &mut Fields<'_>) -> Option<Kind> {
    let expected = "AIs in brackets, each with its value: \"(00){sscc}\"";
    let content = section.parsed("data", expected, |text| gs1_content(text, fields)).required_option();
    barcode(section, content.map(Content::Gs1), true)
}

fn code128(section: &Section<'_>, fields: &mut Fields<'_>) -> Option<Kind> {
    let content = section.parsed("data", "a text with known fields", |text| fields.pattern(text)).required_option();
    let below = section.boolean("text_below").or(true);
    barcode(section, content.map(Content::Code128), below)
}

fn gs1_content(text: &str, fields: &mut Fields<'_>) -> Result<Vec<(gs1::Ai, Pattern)>, String> {
    let mut elements = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (ai, behind) =
            rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).ok_or("an AI in brackets is missing")?;
        let ai: gs1::Ai = ai.parse().map_err(|error: gs1::UnknownAi| error.to_string())?;
        let (value, next) = behind.split_at(behind.find('(').unwrap_or(behind.len()));
        elements.push((ai, fields.pattern(value)?));
        rest = next;
    }
    Ok(elements)
}

fn barcode(section: &Section<'_>, content: Option<Content>, below: bool) -> Option<Kind> {
    let x_dimension = section.float("x_dimension", 0.1..=2.0).required_option();
    let x_dimension_min = section.float("x_dimension_min", 0.1..=2.0).required_option();
    let text_size = section.float("text_height", 1.0..=20.0).or(3.0);
    let (left, top) = position(section);
    let width = section.float("width", 1.0..=LONGEST).required_option();
    let height = section.float("bar_height", 1.0..=LONGEST).required_option();
    let align = align(section, Align::Centre);
    if let (Some(x), Some(min)) = (x_dimension, x_dimension_min)
        && min > x
    {
        section.fault("x_dimension_min", format!("{min} is more than x_dimension, {x}"), "make it less or equal");
        return None;
    }
    Some(Kind::Code(Barcode {
        area: Area { left: left?, top: top?, width: width?, height: height? },
        content: content?,
        align,
        x_dimension: x_dimension?,
        x_dimension_min: x_dimension_min?,
        text_below: below.then_some(text_size),
    }))
}

fn position(section: &Section<'_>) -> (Option<f64>, Option<f64>) {
    let left = section.float("left", 0.0..=LONGEST).required_option();
    (left, section.float("top", 0.0..=LONGEST).required_option())
}

/// Height 0 stands for an absent one.
fn area(section: &Section<'_>, needs_height: bool) -> Option<Area> {
    let (left, top) = position(section);
    let width = section.float("width", 0.5..=LONGEST).required_option();
    let height = section.float("height", 0.5..=LONGEST);
    let height = if needs_height { height.required_option() } else { Some(height.or(0.0)) };
    Some(Area { left: left?, top: top?, width: width?, height: height? })
}

fn align(section: &Section<'_>, default: Align) -> Align {
    section.one_of("align", &[("left", Align::Left), ("centre", Align::Centre), ("right", Align::Right)]).or(default)
}

/// `NAME_mm`, the height of capitals, or `NAME_pt`.
fn size(section: &Section<'_>, name: &str) -> Option<FontSize> {
    let (mm, pt) = (format!("{name}_mm"), format!("{name}_pt"));
    let capitals = section.float(&mm, 0.5..=200.0).optional();
    let points = section.float(&pt, 1.0..=500.0).optional();
    if section.has(&mm) && section.has(&pt) {
        section.fault(&pt, format!("stands beside {mm}"), "keep one of the two");
    }
    capitals.map(FontSize::Capitals).or(points.map(|points| FontSize::Em(points * POINT)))
}

fn test(section: &Section<'_>, known: &[String]) -> Test {
    let name = section.string("name").required();
    let codes = section.has("codes").then(|| section.strings("codes").or(Vec::new()));
    let values = section.string_map("data").required();
    for field in values.keys() {
        if let Err(error) = check_field(field, known) {
            section.fault("data", error.to_string(), "correct or remove it");
        }
    }
    Test { name, data: Data::from(values), codes }
}
