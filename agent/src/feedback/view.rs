//! The picture of a [`Shown`] on a small colour display.
//!
//! From the top: a band with a colour, a shape and a headline, which can be told apart from two metres and without seeing
//! colours; what happened and what to do; how full package and pallet are; work order and queue.

use drivers::signal::Light;
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::prelude::{DrawTarget, Drawable, Point, Primitive, RgbColor, Size, WebColors};
use embedded_graphics::primitives::{PrimitiveStyle, Rectangle};

use super::icon;
use super::shown::Shown;
use super::text::{Face, cut, letters, wrap};

const BACKGROUND: Rgb565 = Rgb565::BLACK;
const BAR: Rgb565 = Rgb565::CSS_DODGER_BLUE;
const TROUGH: Rgb565 = Rgb565::CSS_DIM_GRAY;
/// Nothing is drawn on a display that is smaller than this.
const SMALLEST: Size = Size::new(16, 8);
/// Below this width or height only the band, the text and one line of numbers are drawn.
const ROOMY: Size = Size::new(160, 120);
/// The smallest letters of a roomy display, and of any other.
const SMALL_LETTERS: (u32, u32) = (10, 8);

/// Colours of the band: what is behind, what is in front.
fn colors(light: Light) -> (Rgb565, Rgb565) {
    match light {
        Light::Green => (Rgb565::new(0, 34, 6), Rgb565::WHITE),
        Light::Red => (Rgb565::new(25, 0, 0), Rgb565::WHITE),
        Light::Amber => (Rgb565::new(31, 44, 0), Rgb565::BLACK),
        Light::Off => (Rgb565::new(5, 14, 10), Rgb565::WHITE),
    }
}

/// Draws the whole picture. It is never larger than the target.
///
/// # Errors
/// Those of the target.
pub fn draw<D: DrawTarget<Color = Rgb565>>(shown: &Shown, target: &mut D) -> Result<(), D::Error> {
    let all = target.bounding_box();
    target.fill_solid(&all, BACKGROUND)?;
    if all.size.width < SMALLEST.width || all.size.height < SMALLEST.height {
        return Ok(());
    }
    let roomy = all.size.width >= ROOMY.width && all.size.height >= ROOMY.height;
    let height = all.size.height;
    let (band, rest) = split(all, if roomy { height * 2 / 5 } else { (height / 2).max(10).min(height) });
    draw_band(shown, band, target)?;
    let mut rest = inset(rest, margin(all));
    let least = if roomy { SMALL_LETTERS.0 } else { SMALL_LETTERS.1 };
    if roomy {
        let lines = [shown.work_order.as_str(), shown.queue.as_str()];
        rest = draw_footer(&lines, rest, (least, height / 11), target)?;
        for (name, filling) in [("Pallet", shown.pallet), ("Package", shown.package)] {
            if let Some((count, size)) = filling {
                rest = draw_bar(name, count, size, rest, height / 10, target)?;
            }
        }
    } else if rest.size.height >= 2 * least {
        let columns = Face::between(least, least).first().map_or(0, |face| face.columns(rest.size.width));
        rest = draw_footer(&[&numbers(shown, columns)], rest, (least, least), target)?;
    }
    draw_body(shown, rest, least, height / 8, target)
}

/// As much of package, pallet and queue as there is room for.
fn numbers(shown: &Shown, columns: usize) -> String {
    let in_short = |filling: Option<(u32, u32)>| filling.map(|(count, size)| format!("{count}/{size}"));
    let (package, pallet, queue) = (in_short(shown.package), in_short(shown.pallet), Some(shown.queue.clone()));
    let lines = [vec![package.clone(), pallet, queue.clone()], vec![package.clone(), queue], vec![package]];
    let mut lines = lines.into_iter().map(|parts| parts.into_iter().flatten().collect::<Vec<_>>().join(" "));
    lines.find(|line| letters(line).len() <= columns).unwrap_or_default()
}

fn draw_band<D: DrawTarget<Color = Rgb565>>(shown: &Shown, band: Rectangle, target: &mut D) -> Result<(), D::Error> {
    let (behind, front) = colors(shown.light);
    target.fill_solid(&band, behind)?;
    let inner = inset(band, margin(band));
    let side = inner.size.height.min(inner.size.width / 4);
    let (place, area) = split_left(inner, side);
    let icon_at = Point::new(place.top_left.x, middle(place, side));
    icon::draw(shown.light, Rectangle::new(icon_at, Size::new_equal(side)), front, behind, target)?;
    let gap = margin(band).min(area.size.width);
    let area = split_left(area, gap).1;
    let (mut chosen, height) = (None, area.size.height);
    for face in Face::between(SMALL_LETTERS.1, height) {
        let (lines, broken) = wrap(&shown.headline, face.columns(area.size.width));
        let fits = !lines.is_empty() && lines.len() <= 2 && face.height() * line_count(&lines) <= height;
        if fits && !broken {
            chosen = Some((face, lines));
            break;
        }
    }
    let Some((face, lines)) = chosen.or_else(|| smallest(&shown.headline, area)) else { return Ok(()) };
    let top = middle(area, face.height() * line_count(&lines));
    draw_lines(face, &lines, Point::new(area.top_left.x, top), front, target).map(drop)
}

/// What is left of a headline that fits in no size: as much as there is room for.
fn smallest(text: &str, area: Rectangle) -> Option<(Face, Vec<String>)> {
    let face = *Face::between(SMALL_LETTERS.1, area.size.height).last()?;
    let columns = face.columns(area.size.width);
    let lines = cut(wrap(text, columns).0, (area.size.height / face.height()) as usize, columns);
    (!lines.is_empty()).then_some((face, lines))
}

/// Text and help as large as both fit; where they do not, the help keeps up to half of the lines.
fn draw_body<D: DrawTarget<Color = Rgb565>>(
    shown: &Shown,
    area: Rectangle,
    least: u32,
    most: u32,
    target: &mut D,
) -> Result<(), D::Error> {
    let help = if shown.help.is_empty() { String::new() } else { format!("» {}", shown.help) };
    let mut chosen = None;
    for face in Face::between(least, most.max(least)) {
        let (rows, columns) = ((area.size.height / face.height()) as usize, face.columns(area.size.width));
        let (text, help) = (wrap(&shown.text, columns).0, wrap(&help, columns).0);
        if rows == 0 || columns == 0 {
            continue;
        }
        let fits = text.len() + help.len() <= rows;
        let for_help = help.len().min(rows.div_ceil(2).max(rows.saturating_sub(text.len())));
        chosen = Some((face, cut(text, rows - for_help, columns), cut(help, for_help, columns)));
        if fits {
            break;
        }
    }
    let Some((face, text, help)) = chosen else { return Ok(()) };
    let at = draw_lines(face, &text, area.top_left, Rgb565::WHITE, target)?;
    draw_lines(face, &help, at, Rgb565::YELLOW, target).map(drop)
}

/// Name, numbers and a bar at the bottom of `area`; gives what is left above.
fn draw_bar<D: DrawTarget<Color = Rgb565>>(
    name: &str,
    count: u32,
    size: u32,
    area: Rectangle,
    height: u32,
    target: &mut D,
) -> Result<Rectangle, D::Error> {
    let height = height.min(area.size.height);
    let (rest, row) = split(area, area.size.height - height);
    let text = format!("{name:<7} {count} of {size} ");
    let Some(face) = Face::between(SMALL_LETTERS.1, height)
        .into_iter()
        .find(|face| face.columns(row.size.width * 3 / 5) >= text.len())
    else {
        return Ok(area);
    };
    face.draw(&text, Point::new(row.top_left.x, middle(row, face.height())), Rgb565::WHITE, target)?;
    // Bars begin below each other as long as the numbers are short.
    let label = (text.len() as u32).max(17) * face.width();
    let (_, bar) = split_left(row, label.min(row.size.width));
    let bar = inset(bar, height / 6);
    target.fill_solid(&bar, TROUGH)?;
    let share = u64::from(bar.size.width) * u64::from(count.min(size)) / u64::from(size.max(1));
    let filled = Size::new(u32::try_from(share).unwrap_or(0), bar.size.height);
    Rectangle::new(bar.top_left, filled).into_styled(PrimitiveStyle::with_fill(BAR)).draw(target)?;
    Ok(rest)
}

/// Texts at the bottom of `area`: in one line where there is room, else one below the other; gives what is left above.
fn draw_footer<D: DrawTarget<Color = Rgb565>>(
    texts: &[&str],
    area: Rectangle,
    (least, height): (u32, u32),
    target: &mut D,
) -> Result<Rectangle, D::Error> {
    let texts: Vec<&str> = texts.iter().copied().filter(|text| !text.is_empty()).collect();
    if texts.is_empty() {
        return Ok(area);
    }
    let one_line = texts.join("   ");
    let faces = Face::between(least, height.min(area.size.height));
    let wanted = letters(&one_line).len();
    let whole = faces.iter().find(|face| face.columns(area.size.width) >= wanted);
    let (face, lines) = match (whole, faces.first()) {
        (Some(face), _) => (*face, vec![one_line.as_str()]),
        (None, Some(face)) => (*face, texts),
        (None, None) => return Ok(area),
    };
    let most = (area.size.height / face.height()) as usize;
    let columns = face.columns(area.size.width);
    let lines: Vec<String> = lines.iter().take(most).flat_map(|line| cut(wrap(line, columns).0, 1, columns)).collect();
    let (rest, rows) = split(area, area.size.height - face.height() * line_count(&lines));
    draw_lines(face, &lines, rows.top_left, Rgb565::CSS_LIGHT_GRAY, target)?;
    Ok(rest)
}

/// Draws lines below each other and gives where the next one would be.
fn draw_lines<D: DrawTarget<Color = Rgb565>>(
    face: Face,
    lines: &[String],
    mut at: Point,
    color: Rgb565,
    target: &mut D,
) -> Result<Point, D::Error> {
    for line in lines {
        face.draw(line, at, color, target)?;
        at += Size::new(0, face.height());
    }
    Ok(at)
}

fn line_count(lines: &[String]) -> u32 {
    u32::try_from(lines.len()).unwrap_or(u32::MAX)
}

fn margin(area: Rectangle) -> u32 {
    area.size.width.min(area.size.height) / 30
}

/// The top of something of this height in the middle of `area`.
fn middle(area: Rectangle, height: u32) -> i32 {
    (area.top_left + Size::new(0, area.size.height.saturating_sub(height) / 2)).y
}

fn inset(area: Rectangle, by: u32) -> Rectangle {
    let less = |length: u32| length.saturating_sub(2 * by);
    Rectangle::new(area.top_left + Size::new_equal(by), Size::new(less(area.size.width), less(area.size.height)))
}

/// The first `height` rows, and the rest.
fn split(area: Rectangle, height: u32) -> (Rectangle, Rectangle) {
    let Size { width, height: all } = area.size;
    let rest = Rectangle::new(area.top_left + Size::new(0, height), Size::new(width, all - height));
    (Rectangle::new(area.top_left, Size::new(width, height)), rest)
}

/// The first `width` columns, and the rest.
fn split_left(area: Rectangle, width: u32) -> (Rectangle, Rectangle) {
    let Size { width: all, height } = area.size;
    let rest = Rectangle::new(area.top_left + Size::new(width, 0), Size::new(all - width, height));
    (Rectangle::new(area.top_left, Size::new(width, height)), rest)
}

#[cfg(test)]
mod tests;
