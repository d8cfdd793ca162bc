//! From a template and values to a picture: every element is placed first, then all of them are checked, then they are painted.

mod code;
mod logistic;
mod text;

use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::{DrawTarget, Point, Size};
use embedded_graphics::primitives::Rectangle;

use crate::canvas::Canvas;
use crate::data::{Data, Pattern};
use crate::font::{Fonts, Line};
use crate::picture::{Code, Density, Picture};
use crate::problem::{Placed, Problem, Problems};
use crate::template::{Area, Element, Kind, Template};

/// What elements are placed with.
struct Context<'a> {
    fonts: &'a Fonts,
    data: &'a Data,
    density: Density,
}

/// An element as dots.
#[derive(Default)]
struct Drawn {
    paint: Vec<Paint>,
    /// What the element covers; no other element may.
    ink: Vec<Rectangle>,
    code: Option<DrawnCode>,
}

enum Paint {
    Fill(Rectangle),
    /// A line of text with the start of its base line.
    Text(Line, Point, BinaryColor),
}

struct DrawnCode {
    code: Code,
    /// Bars and quiet zones.
    clear: Rectangle,
    bars: Rectangle,
    /// Height of the text below in dots.
    text_height: Option<i32>,
    gs1: Vec<gs1::Element>,
}

/// Draws a label.
pub(crate) fn draw(template: &Template, data: &Data, density: Density) -> Result<Picture, Problems> {
    let context = Context { fonts: &template.fonts, data, density };
    let mut problems = Vec::new();
    let mut drawn: Vec<(usize, Drawn)> = Vec::new();
    for (element, number) in template.elements.iter().zip(1..) {
        if element.when.iter().any(|field| data.get(field).is_none()) {
            continue;
        }
        match context.place(element) {
            Ok(placed) => drawn.push((number, placed)),
            Err(found) => problems.extend(found.into_iter().map(|problem| Placed { element: number, problem })),
        }
    }
    let media = &template.media;
    let paper = Rectangle::new(Point::zero(), context.size(media.width, media.height));
    let printable = context.rectangle(&Area {
        left: media.margin,
        top: media.margin,
        width: media.width - 2.0 * media.margin,
        height: media.height - 2.0 * media.margin,
    });
    check_places(&drawn, printable, paper, density, &mut problems);
    check_gs1(template, &drawn, density, &mut problems);
    if !problems.is_empty() {
        problems.sort_by_key(|placed| placed.element);
        return Err(Problems(problems));
    }
    let mut canvas = Canvas::new(paper.size.width, paper.size.height);
    for paint in drawn.iter().flat_map(|(_, drawn)| &drawn.paint) {
        let Ok(()) = match paint {
            Paint::Fill(area) => canvas.fill_solid(area, BinaryColor::On),
            Paint::Text(line, origin, color) => line.draw(&mut canvas, *origin, *color),
        };
    }
    let codes = drawn.into_iter().filter_map(|(_, drawn)| drawn.code).map(|code| code.code).collect();
    Ok(Picture { canvas, density, codes, template: template.digest })
}

impl Context<'_> {
    fn place(&self, element: &Element) -> Result<Drawn, Vec<Problem>> {
        match &element.kind {
            Kind::Text(text) => text::place(self, text),
            Kind::Line(area) => Ok(Drawn::filled(vec![self.line(area)])),
            Kind::Frame { area, thickness } => Ok(Drawn::filled(self.frame(area, *thickness))),
            Kind::Code(barcode) => code::place(self, barcode),
        }
    }

    /// A pattern with its values.
    fn fill(&self, pattern: &Pattern) -> Result<String, Problem> {
        pattern.fill(|field| self.value(field))
    }

    fn value(&self, field: &str) -> Result<&str, Problem> {
        let value = self.data.get(field).ok_or_else(|| Problem::MissingField { field: field.to_owned() })?;
        if let Some(position) = value.find(char::is_control) {
            return Err(Problem::ControlCharacter { field: field.to_owned(), position });
        }
        match field {
            "sscc" => {
                value.parse::<gs1::Sscc>().map_err(Problem::Sscc)?;
            }
            "count" if !value.bytes().all(|byte| byte.is_ascii_digit()) => {
                return Err(Problem::Count { found: value.to_owned() });
            }
            _ => {}
        }
        Ok(value)
    }

    fn size(&self, width: f64, height: f64) -> Size {
        let dots = |mm| u32::try_from(self.density.dots(mm)).unwrap_or(0).max(1);
        Size::new(dots(width), dots(height))
    }

    /// Edges are rounded, not lengths: what ends at the same place on the label ends at the same dot.
    fn rectangle(&self, area: &Area) -> Rectangle {
        let dots = |mm| self.density.dots(mm);
        let start = Point::new(dots(area.left), dots(area.top));
        let end = Point::new(dots(area.left + area.width), dots(area.top + area.height));
        let length = |dots: i32| u32::try_from(dots).unwrap_or(0).max(1);
        Rectangle::new(start, Size::new(length(end.x - start.x), length(end.y - start.y)))
    }

    /// All lines of a thickness are equally thick, wherever they are.
    fn line(&self, area: &Area) -> Rectangle {
        let mut line = self.rectangle(area);
        let thick = self.size(area.width, area.height);
        match area.width < area.height {
            true => line.size.width = thick.width,
            false => line.size.height = thick.height,
        }
        line
    }

    fn frame(&self, area: &Area, thickness: f64) -> Vec<Rectangle> {
        let outer = self.rectangle(area);
        let thick = self.size(thickness, thickness).width.min(outer.size.width).min(outer.size.height);
        let (Size { width, height }, Point { x, y }) = (outer.size, outer.top_left);
        let (right, bottom) = (x + (width - thick) as i32, y + (height - thick) as i32);
        let inner = height.saturating_sub(2 * thick);
        vec![
            Rectangle::new(Point::new(x, y), Size::new(width, thick)),
            Rectangle::new(Point::new(x, bottom), Size::new(width, thick)),
            Rectangle::new(Point::new(x, y + thick as i32), Size::new(thick, inner)),
            Rectangle::new(Point::new(right, y + thick as i32), Size::new(thick, inner)),
        ]
    }
}

impl Drawn {
    fn filled(areas: Vec<Rectangle>) -> Drawn {
        Drawn { paint: areas.iter().copied().map(Paint::Fill).collect(), ink: areas, code: None }
    }

    /// Adds a line of text with the start of its base line at `origin`.
    fn text(&mut self, line: Line, origin: Point, color: BinaryColor) {
        let ink = Rectangle::new(line.ink.top_left + origin, line.ink.size);
        if !ink.is_zero_sized() && color == BinaryColor::On {
            self.ink.push(ink);
        }
        self.paint.push(Paint::Text(line, origin, color));
    }
}

/// Nothing in the margin, on another element or in a quiet zone. A quiet zone may lie in the margin: it is white paper.
fn check_places(
    drawn: &[(usize, Drawn)],
    printable: Rectangle,
    paper: Rectangle,
    density: Density,
    problems: &mut Vec<Placed>,
) {
    for (at, (element, one)) in drawn.iter().enumerate() {
        let outside = one.ink.iter().find_map(|ink| outside(*ink, printable));
        let outside = outside.or_else(|| one.code.as_ref().and_then(|code| self::outside(code.clear, paper)));
        if let Some((side, dots)) = outside {
            let problem = Problem::Margin { side, by: density.mm(dots) };
            problems.push(Placed { element: *element, problem });
        }
        let others = drawn.iter().enumerate().filter(|(other, _)| *other != at);
        for (other_at, (other, another)) in others {
            let here = |place: Point| (density.mm(place.x), density.mm(place.y));
            let clash = one.ink.iter().find_map(|ink| overlap(*ink, &another.ink));
            if let Some((left, top)) = clash.map(here) {
                if at < other_at {
                    let problem = Problem::Overlap { other: *other, left, top };
                    problems.push(Placed { element: *element, problem });
                }
                continue;
            }
            let quiet = one.code.as_ref().and_then(|code| overlap(code.clear, &another.ink));
            if let Some((left, top)) = quiet.map(here) {
                let problem = Problem::QuietZone { other: *other, left, top };
                problems.push(Placed { element: *element, problem });
            }
        }
    }
}

/// The side on which `inner` reaches furthest out of `outer`, and how far.
fn outside(inner: Rectangle, outer: Rectangle) -> Option<(&'static str, i32)> {
    let end = |area: Rectangle| area.top_left + Point::new(area.size.width as i32, area.size.height as i32);
    let (start, stop) = (outer.top_left - inner.top_left, end(inner) - end(outer));
    let sides = [("left", start.x), ("top", start.y), ("right", stop.x), ("bottom", stop.y)];
    sides.into_iter().filter(|(_, dots)| *dots > 0).max_by_key(|(_, dots)| *dots)
}

fn overlap(area: Rectangle, others: &[Rectangle]) -> Option<Point> {
    others.iter().map(|other| area.intersection(other)).find(|both| !both.is_zero_sized()).map(|both| both.top_left)
}

/// What holds for all GS1 barcodes of a label together.
fn check_gs1(template: &Template, drawn: &[(usize, Drawn)], density: Density, problems: &mut Vec<Placed>) {
    let codes: Vec<(usize, &DrawnCode)> =
        drawn.iter().filter_map(|(element, drawn)| Some((*element, drawn.code.as_ref()?))).collect();
    let elements: Vec<gs1::Element> = codes.iter().flat_map(|(_, code)| code.gs1.iter().cloned()).collect();
    if let Err(error) = gs1::check_associations(&elements) {
        use gs1::AssociationError::{Excluded, Missing, Repeated, SerialMissing};
        // Told at the barcode with the AI whose rule it is.
        let (Repeated { ai, .. } | Excluded { ai, .. } | Missing { ai, .. } | SerialMissing { ai }) = &error;
        let has = |code: &DrawnCode| code.gs1.iter().any(|element| element.ai() == *ai);
        let element = codes.iter().find(|(_, code)| has(code)).map_or(0, |(element, _)| *element);
        problems.push(Placed { element, problem: Problem::Association(error) });
    }
    if template.logistic && problems.is_empty() {
        let broken = logistic::broken_rules(&codes, density);
        problems.extend(broken.into_iter().map(|rule| Placed { element: 0, problem: Problem::Logistic { rule } }));
    }
}
