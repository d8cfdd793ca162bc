//! Placing barcodes. Bars are whole dots wide: a fraction of a dot would cost the symbol its grade (ISO/IEC 15416, decodability).

use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::{Point, Size};
use embedded_graphics::primitives::Rectangle;
use gs1::{AimId, element_string};

use super::text::{aligned, em};
use super::{Context, Drawn, DrawnCode};
use crate::code128::{self, QUIET_ZONE, Symbol};
use crate::font::{FontError, Weight};
use crate::picture::Code;
use crate::problem::Problem;
use crate::template::{Align, Barcode, Content, FontSize};

/// Most characters of a GS1-128 symbol, AIs and separators included (General Specifications 5.4.4).
const MOST_CHARACTERS: usize = 48;
/// Most width of a GS1-128 symbol with quiet zones, in millimetres (General Specifications 5.4.4).
const MOST_WIDTH: f64 = 165.1;
/// White between bars and the text below, in millimetres.
const GAP: f64 = 1.0;

/// What a barcode says.
struct Said {
    aim: AimId,
    data: String,
    symbols: Vec<Symbol>,
    below: String,
    gs1: Vec<gs1::Element>,
}

pub(super) fn place(context: &Context<'_>, barcode: &Barcode) -> Result<Drawn, Vec<Problem>> {
    let said = say(context, &barcode.content)?;
    let placed = bars(context, barcode, &said).map_err(|problem| vec![problem])?;
    Ok(placed)
}

fn say(context: &Context<'_>, content: &Content) -> Result<Said, Vec<Problem>> {
    match content {
        Content::Code128(pattern) => {
            let data = context.fill(pattern).map_err(|problem| vec![problem])?;
            let symbols = data.bytes().map(Symbol::Char).collect();
            Ok(Said { aim: AimId::CODE_128, symbols, below: data.clone(), data, gs1: Vec::new() })
        }
        Content::Gs1(patterns) => {
            let (mut elements, mut problems) = (Vec::new(), Vec::new());
            for (ai, pattern) in patterns {
                let element = context.fill(pattern).and_then(|value| {
                    gs1::Element::new(*ai, value).map_err(|source| Problem::Value { ai: ai.to_string(), source })
                });
                match element {
                    Ok(element) => elements.push(element),
                    Err(problem) => problems.push(problem),
                }
            }
            if !problems.is_empty() {
                return Err(problems);
            }
            let data = element_string::encode(&elements);
            if data.len() > MOST_CHARACTERS {
                return Err(vec![Problem::TooMuchData { found: data.len() }]);
            }
            let below = element_string::hri(&elements).join("  ");
            Ok(Said { aim: AimId::GS1_128, symbols: code128::gs1_128(&data), data, below, gs1: elements })
        }
    }
}

fn bars(context: &Context<'_>, barcode: &Barcode, said: &Said) -> Result<Drawn, Problem> {
    let density = context.density;
    let codes = code128::encode(&said.symbols).ok_or_else(|| Problem::NotEncodable { data: said.data.clone() })?;
    let widths = code128::widths(&codes);
    let modules: i32 = widths.iter().map(|width| i32::from(*width)).sum();
    let area = context.rectangle(&barcode.area);
    let room = area.size.width as i32;
    let x = x_dimension(context, barcode, modules + 2 * QUIET_ZONE).ok_or_else(|| {
        let least = least_x(context, barcode);
        Problem::CodeTooWide {
            data: said.data.clone(),
            needed: density.mm((modules + 2 * QUIET_ZONE) * least),
            x_dimension: density.mm(least),
            width: density.mm(room),
        }
    })?;
    let (quiet, width) = (QUIET_ZONE * x, modules * x);
    if said.aim == AimId::GS1_128 && density.mm(width + 2 * quiet) > MOST_WIDTH {
        return Err(Problem::SymbolTooWide { width: density.mm(width + 2 * quiet) });
    }
    let free = room - width - 2 * quiet;
    let left = area.top_left.x
        + quiet
        + match barcode.align {
            Align::Left => 0,
            Align::Centre => free / 2,
            Align::Right => free,
        };
    let top = area.top_left.y;
    let height = area.size.height;
    let (mut filled, mut at) = (Vec::new(), left);
    for (width, number) in widths.iter().zip(0_u32..) {
        let width = i32::from(*width) * x;
        if number.is_multiple_of(2) {
            filled.push(Rectangle::new(Point::new(at, top), Size::new(width as u32, height)));
        }
        at += width;
    }
    let bars = Rectangle::new(Point::new(left, top), Size::new(width as u32, height));
    let clear = Rectangle::new(Point::new(left - quiet, top), Size::new((width + 2 * quiet) as u32, height));
    let mut drawn = Drawn::filled(filled);
    drawn.ink = vec![bars];
    let text_height = match barcode.text_below {
        Some(mm) => Some(text_below(context, mm, said, bars, clear, &mut drawn)?),
        None => None,
    };
    let code =
        Code { aim: said.aim, data: said.data.clone(), x_dimension_dots: x as u32, x_dimension_mm: density.mm(x) };
    drawn.code = Some(DrawnCode { code, clear, bars, text_height, gs1: said.gs1.clone() });
    Ok(drawn)
}

/// The least whole dots that are not below the minimum.
fn least_x(context: &Context<'_>, barcode: &Barcode) -> i32 {
    context.density.dots_at_least(barcode.x_dimension_min).max(1)
}

/// The X-dimension in dots: what was asked for, rounded, or the next less that fits, never below the minimum.
fn x_dimension(context: &Context<'_>, barcode: &Barcode, modules: i32) -> Option<i32> {
    let least = least_x(context, barcode);
    let asked = context.density.dots(barcode.x_dimension).max(least);
    let room = context.density.dots(barcode.area.width);
    (least..=asked).rev().find(|x| modules * x <= room)
}

/// The human readable interpretation, centred below the bars (General Specifications, section 4, HRI rules).
fn text_below(
    context: &Context<'_>,
    height: f64,
    said: &Said,
    bars: Rectangle,
    clear: Rectangle,
    drawn: &mut Drawn,
) -> Result<i32, Problem> {
    let refused = |source: FontError| Problem::Font { text: said.below.clone(), source };
    let em = em(context, Weight::Regular, FontSize::Capitals(height)).map_err(refused)?;
    let line = context.fonts.line(Weight::Regular, em, &said.below).map_err(refused)?;
    let capitals = context.fonts.capitals(Weight::Regular, em).map_err(refused)?;
    let width = clear.size.width as i32;
    if line.width() > width {
        let mm = |dots| context.density.mm(dots);
        return Err(Problem::TextBelowTooLong { text: said.below.clone(), needed: mm(line.width()), width: mm(width) });
    }
    let x = aligned(Align::Centre, clear.top_left.x, width, &line);
    let y = bars.top_left.y + bars.size.height as i32 + context.density.dots(GAP) + capitals;
    drawn.text(line, Point::new(x, y), BinaryColor::On);
    Ok(capitals)
}
