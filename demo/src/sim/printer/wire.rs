//! What a printer reads from its connection: ZPL II commands become formats and questions.

use super::graphic;
use super::page::{Field, MOST_DOTS, MOST_PAGE, Size};

/// The longest command; a graphic of 99,999 bytes in hexadecimal digits is the longest that anybody needs.
const MOST_COMMAND: usize = 1 << 20;
/// Bytes of all graphics of a format.
const MOST_FORMAT: usize = MOST_PAGE;
/// The most labels of one format; a real printer would go on until somebody switches it off.
const MOST_COPIES: u32 = 1000;

/// What a printer keeps from one format to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setup {
    /// `^PW` and `^LL`.
    pub size: Size,
    /// `^LH`.
    pub home: (u32, u32),
    /// `^JZ`: print the label again that a fault interrupted.
    pub reprint: bool,
}

/// A whole format: what one label shows, and how many of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Format {
    pub setup: Setup,
    pub fields: Vec<Field>,
    pub copies: u32,
    /// Something in it could not be drawn.
    pub damaged: bool,
    /// Whether anything is to be printed; a format may as well only set the printer up.
    pub prints: bool,
}

impl Format {
    /// Bytes that it takes in the buffer.
    pub fn bytes(&self) -> usize {
        self.fields.iter().map(|field| field.bits.len() + size_of::<Field>()).sum::<usize>() + size_of::<Self>()
    }
}

/// What the reader has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// `^XA`.
    Begin,
    /// `^XZ`.
    End(Format),
    /// `~HS`; whether in the middle of a format.
    HostStatus { partial: bool },
    /// `~HQES`.
    ErrorStatus,
}

/// Reads the bytes of one connection.
#[derive(Debug)]
pub(super) struct Reader {
    setup: Setup,
    /// The command in work, with its prefix.
    command: Vec<u8>,
    format: Option<Draft>,
    unknown: u64,
}

#[derive(Debug)]
struct Draft {
    origin: (u32, u32),
    bytes: usize,
    format: Format,
}

impl Reader {
    pub fn new(setup: Setup) -> Self {
        Self { setup, command: Vec::new(), format: None, unknown: 0 }
    }

    /// Commands since the last call that this printer does not know.
    pub fn take_unknown(&mut self) -> u64 {
        std::mem::take(&mut self.unknown)
    }

    /// Takes one byte.
    pub fn push(&mut self, byte: u8) -> Option<Event> {
        if matches!(byte, b'^' | b'~') {
            let command = std::mem::take(&mut self.command);
            self.run(&command);
            // The memory of a large command is used again.
            self.command = command;
            self.command.clear();
            self.command.push(byte);
            return None;
        }
        if self.command.is_empty() {
            // Between commands: line ends, or no ZPL at all.
            return None;
        }
        if self.command.len() == MOST_COMMAND {
            self.damaged();
            self.command = Vec::new();
            return None;
        }
        // Names may be written in small letters, and data may not be changed.
        self.command.push(if self.command.len() < 3 { byte.to_ascii_uppercase() } else { byte });
        let event = match self.command.as_slice() {
            b"~HS" => Event::HostStatus { partial: self.format.is_some() },
            b"~HQES" => Event::ErrorStatus,
            b"^XA" => {
                let format = Format { setup: self.setup, fields: Vec::new(), copies: 1, damaged: false, prints: false };
                self.format = Some(Draft { origin: (0, 0), bytes: 0, format });
                Event::Begin
            }
            b"^XZ" => {
                self.command.clear();
                let draft = self.format.take()?;
                return Some(Event::End(Format { setup: self.setup, ..draft.format }));
            }
            _ => return None,
        };
        self.command.clear();
        Some(event)
    }

    /// Runs a command that is whole because the next one begins.
    fn run(&mut self, command: &[u8]) {
        let Some((name, parameters)) = command.split_at_checked(3) else {
            self.unknown += u64::from(!command.is_empty());
            return;
        };
        let first = || number(parameters.split(|byte| *byte == b',').next().unwrap_or_default());
        match name {
            b"^PW" => self.setup.size.width = first().clamp(1, MOST_DOTS),
            b"^LL" => self.setup.size.height = first().clamp(1, MOST_DOTS),
            b"^LH" => self.setup.home = pair(parameters),
            b"^JZ" => self.setup.reprint = !matches!(parameters.first(), Some(b'N' | b'n')),
            b"^FO" => {
                let (x, y) = pair(parameters);
                let home = self.setup.home;
                if let Some(draft) = &mut self.format {
                    draft.origin = (x.saturating_add(home.0), y.saturating_add(home.1));
                }
            }
            b"^GF" => self.graphic(parameters),
            b"^FD" => {
                // Text is not drawn, but a label comes out.
                self.unknown += 1;
                if let Some(draft) = &mut self.format {
                    draft.format.prints = true;
                }
            }
            b"^PQ" => {
                if let Some(draft) = &mut self.format {
                    draft.format.copies = first().clamp(1, MOST_COPIES);
                }
            }
            // The end of a field, comments, and what does not move a dot.
            b"^FS" | b"^FX" | b"^CI" | b"^MM" | b"^MN" | b"^MT" | b"^MD" | b"^PR" | b"~SD" => {}
            // Shift, turn, mirror and reverse: only the usual value is known.
            b"^LS" if first() == 0 => {}
            b"^PO" | b"^PM" | b"^LR" if matches!(parameters.first(), Some(b'N' | b'n')) => {}
            _ => self.unknown += 1,
        }
    }

    fn graphic(&mut self, parameters: &[u8]) {
        let Some(draft) = &mut self.format else { return };
        draft.format.prints = true;
        match graphic::read(parameters) {
            Some((stride, bits)) if draft.bytes + bits.len() <= MOST_FORMAT => {
                draft.bytes += bits.len();
                let (x, y) = draft.origin;
                draft.format.fields.push(Field { x, y, stride, bits });
            }
            _ => draft.format.damaged = true,
        }
    }

    fn damaged(&mut self) {
        if let Some(draft) = &mut self.format {
            draft.format.damaged = true;
        }
    }
}

/// The figures that a parameter begins with; 0 without.
pub(super) fn number(parameter: &[u8]) -> u32 {
    let figures = parameter.trim_ascii().iter().map_while(|byte| char::from(*byte).to_digit(10));
    figures.fold(0, |number: u32, figure| number.saturating_mul(10).saturating_add(figure))
}

fn pair(parameters: &[u8]) -> (u32, u32) {
    let mut numbers = parameters.split(|byte| *byte == b',').map(number);
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests;
