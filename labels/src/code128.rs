//! Code 128 (ISO/IEC 15417): the shortest symbol for given data, found by dynamic programming over the code sets A, B and C.

#[cfg(test)]
mod tests;

/// Code values above the data characters that all code sets share.
const SHIFT: u8 = 98;
const CODE_C: u8 = 99;
const CODE_B: u8 = 100;
const CODE_A: u8 = 101;
const FNC1: u8 = 102;
const START_A: u8 = 103;
const STOP: u8 = 106;

/// Quiet zone on each side, in modules (ISO/IEC 15417; General Specifications 5.4).
pub(crate) const QUIET_ZONE: i32 = 10;

/// Widths of bars and spaces in modules, by code value (ISO/IEC 15417, table 1).
#[rustfmt::skip]
const WIDTHS: [&[u8]; 107] = [
    b"212222", b"222122", b"222221", b"121223", b"121322", b"131222", b"122213", b"122312", b"132212", b"221213",
    b"221312", b"231212", b"112232", b"122132", b"122231", b"113222", b"123122", b"123221", b"223211", b"221132",
    b"221231", b"213212", b"223112", b"312131", b"311222", b"321122", b"321221", b"312212", b"322112", b"322211",
    b"212123", b"212321", b"232121", b"111323", b"131123", b"131321", b"112313", b"132113", b"132311", b"211313",
    b"231113", b"231311", b"112133", b"112331", b"132131", b"113123", b"113321", b"133121", b"313121", b"211331",
    b"231131", b"213113", b"213311", b"213131", b"311123", b"311321", b"331121", b"312113", b"312311", b"332111",
    b"314111", b"221411", b"431111", b"111224", b"111422", b"121124", b"121421", b"141122", b"141221", b"112214",
    b"112412", b"122114", b"122411", b"142112", b"142211", b"241211", b"221114", b"413111", b"241112", b"134111",
    b"111242", b"121142", b"121241", b"114212", b"124112", b"124211", b"411212", b"421112", b"421211", b"212141",
    b"214121", b"412121", b"111143", b"111341", b"131141", b"114113", b"114311", b"411113", b"411311", b"113141",
    b"114131", b"311141", b"411131", b"211412", b"211214", b"211232", b"2331112",
];

/// What a symbol holds: ASCII characters and the function character FNC1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    /// An ASCII character, 0 to 127.
    Char(u8),
    /// Function 1: in front it makes the symbol a GS1-128 symbol, between elements it separates them.
    Fnc1,
}

/// The symbols of a GS1-128 barcode: FNC1 in front, FNC1 for each GS of the element string.
pub(crate) fn gs1_128(element_string: &str) -> Vec<Symbol> {
    let data = element_string
        .bytes()
        .map(|byte| if byte == gs1::element_string::GS { Symbol::Fnc1 } else { Symbol::Char(byte) });
    std::iter::once(Symbol::Fnc1).chain(data).collect()
}

/// The code values of the shortest symbol, start, check and stop character included. `None` for data that is empty or not ASCII.
pub(crate) fn encode(data: &[Symbol]) -> Option<Vec<u8>> {
    let encodable = |symbol: &Symbol| matches!(symbol, Symbol::Fnc1 | Symbol::Char(0..=127));
    if data.is_empty() || !data.iter().all(encodable) {
        return None;
    }
    let steps = shortest(data);
    // Of equally short symbols the one that starts in B, then C, then A: B holds common text.
    let first = *steps.first()?;
    let mut set = [Set::B, Set::C, Set::A].into_iter().min_by_key(|set| first[set.index()].cost)?;
    let mut codes = vec![START_A + set.index() as u8];
    let mut at = 0;
    while let (Some(symbol), Some(step)) = (data.get(at), steps.get(at)) {
        let step = step[set.index()];
        if step.set != set {
            codes.push(step.set.latch());
            set = step.set;
            continue;
        }
        if step.shifted {
            codes.push(SHIFT);
        }
        let holder = if step.shifted { set.other() } else { set };
        let (code, length) = holder.code(*symbol, data.get(at + 1).copied())?;
        codes.push(code);
        at += length;
    }
    let weighted = codes.iter().zip(0_u32..).map(|(code, place)| u32::from(*code) * place.max(1));
    codes.push((weighted.sum::<u32>() % 103) as u8);
    codes.push(STOP);
    Some(codes)
}

/// The Code 128 symbol of a text, for those who draw it themselves: widths in modules of bars and spaces in turn, beginning
/// and ending with a bar, without quiet zones. `None` for a text that is empty or not ASCII.
#[must_use]
pub fn bars(text: &str) -> Option<Vec<u8>> {
    let symbols: Vec<Symbol> = text.bytes().map(Symbol::Char).collect();
    encode(&symbols).map(|codes| widths(&codes))
}

/// Widths in modules of bars and spaces in turn, beginning and ending with a bar.
pub(crate) fn widths(codes: &[u8]) -> Vec<u8> {
    codes
        .iter()
        .filter_map(|code| WIDTHS.get(usize::from(*code)))
        .flat_map(|widths| widths.iter().map(|w| w - b'0'))
        .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    A,
    B,
    C,
}

impl Set {
    const ALL: [Set; 3] = [Set::A, Set::B, Set::C];

    fn index(self) -> usize {
        match self {
            Set::A => 0,
            Set::B => 1,
            Set::C => 2,
        }
    }

    fn latch(self) -> u8 {
        match self {
            Set::A => CODE_A,
            Set::B => CODE_B,
            Set::C => CODE_C,
        }
    }

    /// The set that a shift leads to.
    fn other(self) -> Set {
        match self {
            Set::A => Set::B,
            Set::B => Set::A,
            Set::C => Set::C,
        }
    }

    /// The code value for the next symbol or pair of digits, and how many symbols it takes.
    fn code(self, symbol: Symbol, next: Option<Symbol>) -> Option<(u8, usize)> {
        match (self, symbol, next) {
            (_, Symbol::Fnc1, _) => Some((FNC1, 1)),
            (Set::A, Symbol::Char(c @ 32..=95), _) | (Set::B, Symbol::Char(c @ 32..=127), _) => Some((c - 32, 1)),
            (Set::A, Symbol::Char(c @ 0..=31), _) => Some((c + 64, 1)),
            (Set::C, Symbol::Char(tens @ b'0'..=b'9'), Some(Symbol::Char(ones @ b'0'..=b'9'))) => {
                Some(((tens - b'0') * 10 + ones - b'0', 2))
            }
            _ => None,
        }
    }
}

/// The best way on from a place in the data, in a given set.
#[derive(Clone, Copy)]
struct Step {
    /// Code values from here to the end of the data.
    cost: u32,
    /// The set to go on in; another than the given one means a latch.
    set: Set,
    /// Whether a shift comes first.
    shifted: bool,
}

/// For each place in the data the best step in each set.
fn shortest(data: &[Symbol]) -> Vec<[Step; 3]> {
    let end = [Step { cost: 0, set: Set::A, shifted: false }; 3];
    let mut steps = vec![end; data.len() + 1];
    for (at, symbol) in data.iter().enumerate().rev() {
        let next = data.get(at + 1).copied();
        let rest = |length: usize, set: Set| steps.get(at + length).map_or(u32::MAX / 2, |step| step[set.index()].cost);
        let direct = Set::ALL.map(|set| {
            let plain = set.code(*symbol, next).map(|(_, length)| 1 + rest(length, set));
            let shifted = match set {
                Set::C => None,
                _ => set.other().code(*symbol, next).map(|(_, length)| 2 + rest(length, set)),
            };
            let never = u32::MAX / 2;
            let (plain, shifted) = (plain.unwrap_or(never), shifted.unwrap_or(never));
            Step { cost: plain.min(shifted), set, shifted: shifted < plain }
        });
        let here = Set::ALL.map(|set| {
            let latched = direct.iter().map(|step| Step { cost: step.cost + 1, ..*step });
            let own = direct[set.index()];
            latched.fold(own, |best, step| if step.cost < best.cost { step } else { best })
        });
        if let Some(step) = steps.get_mut(at) {
            *step = here;
        }
    }
    steps
}
