//! Rules of the GS1 logistic label: General Specifications 6.6 (the SSCC lowest, every barcode with its text) and, for the
//! sizes of GS1-128 on logistic units, symbol specification table 5 (5.12.3).

use super::DrawnCode;
use crate::picture::Density;

/// The X-dimension that is allowed, in millimetres. For the upper limit sources name 0.94 and 1.016 mm: here the stricter holds.
const X_DIMENSION: (f64, f64) = (0.495, 0.94);
/// The least height of bars, in millimetres: 1.25 inches, which guides of GS1 round up to 32 mm.
const BARS: f64 = 31.75;
/// The least height of the text below bars, in millimetres: what guides for logistic labels ask for.
const TEXT: f64 = 3.0;

/// The rules that the label breaks.
pub(super) fn broken_rules(codes: &[(usize, &DrawnCode)], density: Density) -> Vec<&'static str> {
    let gs1 = || codes.iter().map(|(_, code)| code).filter(|code| !code.gs1.is_empty());
    let is_sscc = |code: &DrawnCode| code.gs1.iter().any(|element| element.ai().as_str() == "00");
    let lowest = codes.iter().max_by_key(|(_, code)| code.bars.top_left.y);
    let mut broken = Vec::new();
    let mut rule = |kept: bool, rule: &'static str| {
        if !kept {
            broken.push(rule);
        }
    };
    rule(gs1().any(|code| is_sscc(code)), "has a barcode with the SSCC, AI (00)");
    rule(lowest.is_none_or(|(_, code)| is_sscc(code)), "has the SSCC as its lowest barcode");
    let high = |dots: i32, least: f64| density.mm(dots) >= least - 1e-6;
    rule(gs1().all(|code| high(code.bars.size.height as i32, BARS)), "has bars of at least 31.75 mm");
    let allowed = |x: f64| (X_DIMENSION.0 - 1e-6..=X_DIMENSION.1 + 1e-6).contains(&x);
    rule(gs1().all(|code| allowed(code.code.x_dimension_mm)), "has an X-dimension from 0.495 to 0.94 mm");
    let text = gs1().all(|code| code.text_height.is_some_and(|height| high(height, TEXT)));
    rule(text, "has text of at least 3 mm below its barcodes");
    broken
}
