//! Placing text. Its height is measured by its capitals: they begin at the top of the element, whatever hangs below them.

use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::Point;

use super::{Context, Drawn, Paint};
use crate::font::{FontError, Line, Weight};
use crate::problem::Problem;
use crate::template::{Align, Fit, FontSize, Text};

/// The smallest em in dots that is read well: 5 pt at 8 dots per millimetre.
const SMALLEST_EM: u32 = 14;

/// White kept left and right within a black area, in millimetres.
const INSET: f64 = 1.5;

pub(super) fn place(context: &Context<'_>, text: &Text) -> Result<Drawn, Vec<Problem>> {
    let one = |problem| vec![problem];
    let content = context.fill(&text.text).map_err(one)?;
    let setting = Setting::new(context, text, &content).map_err(one)?;
    let area = context.rectangle(&text.area);
    let mut drawn = Drawn::default();
    let (color, inset) = if text.invert {
        drawn.ink.push(area);
        drawn.paint.push(Paint::Fill(area));
        (BinaryColor::Off, setting.inset)
    } else {
        (BinaryColor::On, 0)
    };
    let (left, width) = (area.top_left.x + inset, area.size.width as i32 - 2 * inset);
    let mut top = area.top_left.y;
    if let Some(title) = &text.title {
        let (em, line, capitals) = set_title(context, text, title).map_err(one)?;
        if em < SMALLEST_EM {
            return Err(one(Problem::TextTooSmall { dots: em }));
        }
        if line.width() > width {
            return Err(one(too_long(context, title, line.width(), width)));
        }
        let x = aligned(text.align, left, width, &line);
        drawn.text(line, Point::new(x, top + capitals), color);
        top += 2 * capitals;
    }
    let height = setting.height();
    if text.area.height > 0.0 {
        let room = area.top_left.y + area.size.height as i32 - top;
        if height > room {
            let (lines, room) = (setting.lines.len(), ((room - setting.capitals).max(-1) / setting.pitch + 1).max(0));
            return Err(one(Problem::TextTooHigh { text: content, lines, room: room as usize }));
        }
        top += (f64::from(room - height) * text.vertical).round() as i32;
    }
    for (line, number) in setting.lines.into_iter().zip(0..) {
        let x = aligned(text.align, left, width, &line);
        drawn.text(line, Point::new(x, top + setting.capitals + number * setting.pitch), color);
    }
    Ok(drawn)
}

/// A text in the size that fits.
struct Setting {
    lines: Vec<Line>,
    capitals: i32,
    /// From one base line to the next.
    pitch: i32,
    /// White kept left and right within a black area.
    inset: i32,
}

impl Setting {
    fn new(context: &Context<'_>, text: &Text, content: &str) -> Result<Setting, Problem> {
        let refused = |source: FontError| Problem::Font { text: content.to_owned(), source };
        let width = context.rectangle(&text.area).size.width as i32;
        let largest = em(context, text.weight, text.size).map_err(refused)?;
        let smallest = match text.fit {
            Fit::Shrink(size) => em(context, text.weight, size).map_err(refused)?.min(largest),
            Fit::Refuse | Fit::Wrap => largest,
        };
        if smallest < SMALLEST_EM {
            return Err(Problem::TextTooSmall { dots: smallest });
        }
        let mut size = largest;
        loop {
            let capitals = context.fonts.capitals(text.weight, size).map_err(refused)?;
            let inset = if text.invert { context.density.dots(INSET) } else { 0 };
            let room = width - 2 * inset;
            let set = |text_of_line: &str| context.fonts.line(text.weight, size, text_of_line);
            let lines = match text.fit {
                Fit::Wrap => wrap(content, room, set).map_err(refused)?,
                Fit::Refuse | Fit::Shrink(_) => vec![set(content).map_err(refused)?],
            };
            let needed = lines.iter().map(Line::width).max().unwrap_or_default();
            if needed <= room {
                return Ok(Setting { lines, capitals, pitch: capitals + capitals * 3 / 5, inset });
            }
            if size == smallest {
                return Err(too_long(context, content, needed, room));
            }
            let fitting = f64::from(size) * f64::from(room.max(1)) / f64::from(needed);
            size = (fitting as u32).clamp(smallest, size - 1);
        }
    }

    fn height(&self) -> i32 {
        let further = i32::try_from(self.lines.len().saturating_sub(1)).unwrap_or(i32::MAX);
        self.capitals.saturating_add(further.saturating_mul(self.pitch))
    }
}

/// A font size in dots.
pub(super) fn em(context: &Context<'_>, weight: Weight, size: FontSize) -> Result<u32, FontError> {
    match size {
        FontSize::Em(mm) => Ok(u32::try_from(context.density.dots(mm)).unwrap_or_default().max(1)),
        FontSize::Capitals(mm) => context.fonts.em_for_capitals(weight, context.density.dots_at_least(mm)),
    }
}

/// Breaks a text at blanks. A word that is too long alone stays whole, and is found to be too long afterwards.
fn wrap(text: &str, room: i32, set: impl Fn(&str) -> Result<Line, FontError>) -> Result<Vec<Line>, FontError> {
    let mut lines = Vec::new();
    let mut current: Option<(String, Line)> = None;
    for word in text.split_whitespace() {
        let longer = match &current {
            Some((before, _)) => format!("{before} {word}"),
            None => word.to_owned(),
        };
        let line = set(&longer)?;
        if line.width() > room
            && let Some((_, full)) = current.take()
        {
            lines.push(full);
            current = Some((word.to_owned(), set(word)?));
        } else {
            current = Some((longer, line));
        }
    }
    lines.extend(current.map(|(_, line)| line));
    Ok(lines)
}

fn set_title(context: &Context<'_>, text: &Text, title: &str) -> Result<(u32, Line, i32), Problem> {
    let refused = |source: FontError| Problem::Font { text: title.to_owned(), source };
    let em = em(context, Weight::Regular, text.title_size).map_err(refused)?;
    let line = context.fonts.line(Weight::Regular, em, title).map_err(refused)?;
    let capitals = context.fonts.capitals(Weight::Regular, em).map_err(refused)?;
    Ok((em, line, capitals))
}

/// Where the base line starts, so that the ink is aligned.
pub(super) fn aligned(align: Align, left: i32, width: i32, line: &Line) -> i32 {
    let free = width - line.width();
    let ink = match align {
        Align::Left => left,
        Align::Centre => left + free / 2,
        Align::Right => left + free,
    };
    ink - line.ink.top_left.x
}

fn too_long(context: &Context<'_>, text: &str, needed: i32, width: i32) -> Problem {
    let density = context.density;
    Problem::TextTooLong { text: text.to_owned(), needed: density.mm(needed), width: density.mm(width) }
}
