//! The status answers of ZPL printers: `~HS` and `~HQES` of the ZPL II Programming Guide ("Host Status Return", "Host Query").

use super::{PrinterFault, PrinterStatus};

/// The question for the status: three lines of figures. Not answered in many faults. The line end makes other machines that
/// read lines answer as well, so that they can be told from a silent printer.
pub(super) const HOST_STATUS: &[u8] = b"~HS\r\n";
/// The question for the errors, answered in faults too.
pub(super) const ERROR_STATUS: &[u8] = b"~HQES\r\n";

/// More than any answer, or two of them one behind the other.
const MOST: usize = 4096;

const STX: u8 = 0x02;
const ETX: u8 = 0x03;

/// What was answered so far: the first whole answer of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answers {
    /// To [`HOST_STATUS`].
    pub host: Option<PrinterStatus>,
    /// To [`ERROR_STATUS`].
    pub errors: Option<PrinterStatus>,
}

/// These bytes are not what a ZPL printer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotZpl;

/// Reads everything that came since the first question. More bytes never change an answer that was whole, nor mend what was
/// wrong. Lines in front of a first line of `~HS`, and figures in front of the first STX, are the rest of an earlier answer.
pub(super) fn read(bytes: &[u8]) -> Result<Answers, NotZpl> {
    let mut answers = Answers::default();
    let fine = read_into(&mut answers, &bytes[..bytes.len().min(MOST)]);
    // What comes behind a whole answer does not matter any more.
    if answers != Answers::default() || fine.is_ok() && bytes.len() <= MOST { Ok(answers) } else { Err(NotZpl) }
}

fn read_into(answers: &mut Answers, bytes: &[u8]) -> Result<(), NotZpl> {
    let start = bytes.iter().position(|byte| *byte == STX).unwrap_or(bytes.len());
    let (before, mut rest) = bytes.split_at(start);
    if before.iter().any(|byte| !matches!(byte, b'0'..=b'9' | b',' | &ETX | b'\r' | b'\n')) {
        return Err(NotZpl);
    }
    let mut host = Host::default();
    loop {
        match rest {
            [b'\r' | b'\n', after @ ..] => rest = after,
            [STX, after @ ..] => {
                let end = after.iter().position(|byte| *byte == ETX);
                let line = std::str::from_utf8(&after[..end.unwrap_or(after.len())]).map_err(|_| NotZpl)?;
                if line.contains(|c: char| !matches!(c, ' '..='~' | '\r' | '\n')) {
                    return Err(NotZpl);
                }
                let Some(end) = end else { return Ok(()) };
                rest = &after[end + 1..];
                if line.contains(',') {
                    let answer = host.line(line)?;
                    answers.host = answers.host.take().or(answer);
                } else {
                    let answer = errors(line)?;
                    answers.errors.get_or_insert(answer);
                }
            }
            [] => return Ok(()),
            _ => return Err(NotZpl),
        }
    }
}

/// The lines of a `~HS` answer so far.
#[derive(Default)]
struct Host {
    first: Option<PrinterStatus>,
    second: Option<PrinterStatus>,
}

impl Host {
    /// Takes a line; the third makes the answer whole.
    fn line(&mut self, line: &str) -> Result<Option<PrinterStatus>, NotZpl> {
        let fields: Vec<&str> = line.split(',').collect();
        match fields.as_slice() {
            [_, paper_out, pause, _, formats, full, _, partial, _, corrupt, cold, hot] => {
                let faults = [
                    (paper_out, PrinterFault::MediaOut),
                    (full, PrinterFault::BufferFull),
                    (corrupt, PrinterFault::CorruptMemory),
                    (cold, PrinterFault::TooCold),
                    (hot, PrinterFault::TooHot),
                ];
                let mut status = PrinterStatus {
                    paused: flag(pause)?,
                    formats_waiting: Some(count(formats)?),
                    partial_format: flag(partial)?,
                    ..PrinterStatus::ready()
                };
                add(&mut status, faults)?;
                *self = Self { first: Some(status), second: None };
                Ok(None)
            }
            [_, _, head_up, ribbon_out, _, _, _, to_take, labels, _, _] => {
                let faults = [(head_up, PrinterFault::HeadOpen), (ribbon_out, PrinterFault::RibbonOut)];
                let (labels, to_take) = (count(labels)?, flag(to_take)?);
                if let Some(mut status) = self.first.take() {
                    status.labels_waiting = Some(labels);
                    status.label_to_take = to_take;
                    add(&mut status, faults)?;
                    self.second = Some(status);
                }
                Ok(None)
            }
            [_, ram] => {
                flag(ram)?;
                Ok(self.second.take())
            }
            _ => Err(NotZpl),
        }
    }
}

fn add<const N: usize>(status: &mut PrinterStatus, faults: [(&&str, PrinterFault); N]) -> Result<(), NotZpl> {
    for (field, fault) in faults {
        if flag(field)? {
            status.faults.push(fault);
        }
    }
    Ok(())
}

fn flag(field: &str) -> Result<bool, NotZpl> {
    match field {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(NotZpl),
    }
}

fn count(field: &str) -> Result<u32, NotZpl> {
    let figures = (1..=8).contains(&field.len()) && field.bytes().all(|byte| byte.is_ascii_digit());
    if figures { field.parse().map_err(|_| NotZpl) } else { Err(NotZpl) }
}

/// Bits of the first error group, by the nibbles of the guide's table of error flags.
const PAUSED: u32 = 0x0001_0000;
const BITS: [(u32, PrinterFault); 8] = [
    (0x0000_0001, PrinterFault::MediaOut),
    (0x0000_0002, PrinterFault::RibbonOut),
    (0x0000_0004, PrinterFault::HeadOpen),
    (0x0000_0008, PrinterFault::CutterFault),
    // Print head, motor.
    (0x0000_0030, PrinterFault::TooHot),
    // Bad element, detection, thermistor.
    (0x0000_02C0, PrinterFault::BadHead),
    // Jam while retracting, presenter, paper feed, paper path, retraction.
    (0x0002_F000, PrinterFault::Jam),
    // Firmware configuration.
    (0x0000_0100, PrinterFault::CorruptMemory),
];
/// Calibration of the black mark, black mark not found.
const MARKS: u32 = 0x000C_0000;

/// `PRINTER STATUS ERRORS: f g2 g1 WARNINGS: f g2 g1`, in words between white space.
fn errors(line: &str) -> Result<PrinterStatus, NotZpl> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let ["PRINTER", "STATUS", "ERRORS:", any, second, first, "WARNINGS:", warned, warnings @ ..] = words.as_slice()
    else {
        return Err(NotZpl);
    };
    let (any, second, first) = (flag(any)?, group(second)?, group(first)?);
    // Warnings keep nothing from printing; they only must be there.
    let ([high, low], _) = (warnings, flag(warned)?) else { return Err(NotZpl) };
    group(high).and(group(low))?;
    let mut status = PrinterStatus { formats_waiting: None, labels_waiting: None, ..PrinterStatus::ready() };
    status.paused = first & PAUSED != 0;
    let mut known = PAUSED | MARKS;
    for (bits, fault) in BITS {
        known |= bits;
        if first & bits != 0 {
            status.faults.push(fault);
        }
    }
    if first & MARKS != 0 {
        status
            .faults
            .push(PrinterFault::Other("it finds no mark on the labels: load the right ones, or calibrate".into()));
    }
    if first & !known != 0 || second != 0 {
        status.faults.push(PrinterFault::Other(format!(
            "it has an error of its own, {second:08X} {first:08X} in ~HQES: look it up in its manual"
        )));
    }
    if any && status.faults.is_empty() && !status.paused {
        status.faults.push(PrinterFault::Other("it has an error that it does not name: look at its display".into()));
    }
    Ok(status)
}

fn group(word: &str) -> Result<u32, NotZpl> {
    let figures = word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    if figures { u32::from_str_radix(word, 16).map_err(|_| NotZpl) } else { Err(NotZpl) }
}

#[cfg(test)]
mod tests;
