//! A shape for each light, so that nobody has to see its colour: a tick, a cross, a warning sign, a code to be scanned.

use drivers::signal::Light;
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::prelude::{DrawTarget, Drawable, Point, Primitive, Size};
use embedded_graphics::primitives::{Circle, Line, PrimitiveStyle, Rectangle, Triangle};

/// Positions in an icon are in hundredths of its side.
const SIDE: i32 = 100;
/// Bars of the code: from, width.
const BARS: [(i32, i32); 6] = [(6, 8), (20, 14), (40, 6), (52, 14), (72, 8), (86, 8)];

/// Draws the shape of a light into a square. What is smaller than 8 pixels would be no shape, and is left out.
pub(super) fn draw<D: DrawTarget<Color = Rgb565>>(
    light: Light,
    square: Rectangle,
    front: Rgb565,
    behind: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    let side = i32::try_from(square.size.width.min(square.size.height)).unwrap_or(0);
    if side < 8 {
        return Ok(());
    }
    let at = |x: i32, y: i32| square.top_left + Point::new(x * side / SIDE, y * side / SIDE);
    let length = |hundredths: i32| u32::try_from(hundredths * side / SIDE).unwrap_or(0).max(1);
    let stroke = length(16);
    match light {
        Light::Green => {
            let points = [at(14, 54), at(40, 80), at(86, 22)];
            path(&points, stroke, front, target)
        }
        Light::Red => {
            path(&[at(16, 16), at(84, 84)], stroke, front, target)?;
            path(&[at(84, 16), at(16, 84)], stroke, front, target)
        }
        Light::Amber => {
            let fill = PrimitiveStyle::with_fill(front);
            Triangle::new(at(50, 6), at(96, 90), at(4, 90)).into_styled(fill).draw(target)?;
            target.fill_solid(&Rectangle::new(at(45, 34), Size::new(length(11), length(28))), behind)?;
            target.fill_solid(&Rectangle::new(at(45, 69), Size::new_equal(length(11))), behind)
        }
        Light::Off => {
            for (from, width) in BARS {
                target.fill_solid(&Rectangle::new(at(from, 14), Size::new(length(width), length(72))), front)?;
            }
            Ok(())
        }
    }
}

/// Thick lines from point to point with round ends.
fn path<D: DrawTarget<Color = Rgb565>>(
    points: &[Point],
    stroke: u32,
    color: Rgb565,
    target: &mut D,
) -> Result<(), D::Error> {
    for pair in points.windows(2) {
        if let [from, to] = pair {
            Line::new(*from, *to).into_styled(PrimitiveStyle::with_stroke(color, stroke)).draw(target)?;
        }
    }
    for point in points {
        Circle::with_center(*point, stroke).into_styled(PrimitiveStyle::with_fill(color)).draw(target)?;
    }
    Ok(())
}
