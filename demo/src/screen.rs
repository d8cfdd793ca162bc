//! What a person sees: a line for each answer, and where it is a terminal, colours and a line at the bottom.

use std::io::{IsTerminal, Write};

use agent::station::{Answer, Filling, Outcome};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::stop::Stop;

/// Characters of a bar.
const BAR: u32 = 10;
/// Room for the text of an answer, so that bars stand below each other.
const TEXT: usize = 44;

/// Standard output.
pub struct Screen {
    bottom: Option<ProgressBar>,
    style: Style,
    stop: Stop,
}

/// How things are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colour: bool,
    blocks: bool,
}

impl Style {
    /// Without escape codes, ASCII only.
    pub const PLAIN: Self = Self { colour: false, blocks: false };
    /// With colours, which `NO_COLOR` takes away.
    const RICH: Self = Self { colour: true, blocks: true };
}

impl Screen {
    /// Standard output as it is. When nobody reads it any more, `stop` is wanted.
    pub fn new(stop: Stop) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let style = match terminal {
            true => Style { colour: !no_colour, ..Style::RICH },
            false => Style::PLAIN,
        };
        let bottom = terminal.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
            bar.with_style(ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self { bottom, style, stop }
    }

    /// How things are drawn on it.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Writes a line, above the bottom line.
    pub fn say(&self, line: &str) {
        match &self.bottom {
            Some(bottom) => bottom.println(line),
            None => {
                let mut output = std::io::stdout().lock();
                if writeln!(output, "{line}").and_then(|()| output.flush()).is_err() {
                    self.stop.want();
                }
            }
        }
    }

    /// Replaces the bottom line; tells whether there is one.
    pub fn bottom(&self, text: String) -> bool {
        let Some(bottom) = &self.bottom else { return false };
        bottom.set_message(text);
        bottom.tick();
        true
    }

    /// Removes the bottom line.
    pub fn clear(&self) {
        if let Some(bottom) = &self.bottom {
            bottom.finish_and_clear();
        }
    }
}

/// One line for an answer: a word and, where possible, its colour; the text; what is open; what to do.
pub fn answer(answer: &Answer, style: Style) -> String {
    let (word, colour) = match answer.outcome {
        Outcome::Accepted => ("GREEN", "1;30;42"),
        Outcome::Refused => ("RED", "1;37;41"),
        Outcome::Done => ("DONE", "1;37;44"),
        Outcome::Known => ("AMBER", "1;30;43"),
    };
    let mut line = format!("{:<TEXT$}", plain(&answer.text));
    for (what, filling) in [("package", &answer.package), ("pallet", &answer.pallet)] {
        if let Some(filling) = filling {
            line += &format!("  {what} {}", bar(filling, style));
        }
    }
    if !answer.help.is_empty() {
        line = format!("{}. {}", line.trim_end(), plain(&answer.help));
    }
    format!("{}  {}", paint(&format!(" {word:<5} "), colour, style), line.trim_end())
}

/// One line for what a device did.
pub fn event(device: &str, what: &str, style: Style) -> String {
    paint(&format!(" {device:<6}  {}", plain(what)), "2", style)
}

/// How far a container is filled.
fn bar(filling: &Filling, style: Style) -> String {
    let size = filling.size.max(1);
    // Rounded up: the first unit is seen.
    let done = (filling.count.min(size) * BAR).div_ceil(size);
    let (full, empty) = if style.blocks { ("█", "░") } else { ("#", "-") };
    let drawn = full.repeat(done as usize) + &empty.repeat((BAR - done) as usize);
    format!("[{drawn}] {:>2}/{}", filling.count, filling.size)
}

/// Text with the numbers of an SGR escape sequence (ECMA-48, 8.3.117).
pub fn paint(text: &str, numbers: &str, style: Style) -> String {
    if style.colour { format!("\x1b[{numbers}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A number with its word, in the plural where it has to be.
pub fn counted(number: u64, word: &str) -> String {
    format!("{} {word}{}", HumanCount(number), if number == 1 { "" } else { "s" })
}

/// Text that cannot move the cursor or forge a line.
pub fn plain(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use agent::station::Code;

    use super::*;

    fn packed() -> Answer {
        let mut answer = Answer::new("main", Outcome::Accepted, Code::Packed, "SN-1 packed");
        answer.package = Some(Filling { id: "0".into(), count: 7, size: 10 });
        answer.pallet = Some(Filling { id: "1".into(), count: 1, size: 20 });
        answer
    }

    #[test]
    fn without_a_terminal_there_is_ascii_only() {
        let line = answer(&packed(), Style::PLAIN);
        let expected = " GREEN   SN-1 packed                                   package [#######---]  7/10  pallet [#---------]  1/20";
        assert_eq!(line, expected);
        let refused = Answer::refused("main", Code::NoRule, "No rule\u{1b}[2J\nknows it", "Scan the label.");
        assert_eq!(answer(&refused, Style::PLAIN), " RED     No rule\\u{1b}[2J\\nknows it. Scan the label.");
    }

    #[test]
    fn colour_never_stands_alone() {
        let line = answer(&packed(), Style::RICH);
        assert!(line.starts_with("\x1b[1;30;42m GREEN \x1b[0m  SN-1 packed"), "{line}");
        assert!(line.contains("[███████░░░]  7/10"));
    }

    #[test]
    fn numbers_and_words_agree() {
        assert_eq!(counted(1, "pallet"), "1 pallet");
        assert_eq!((counted(0, "pallet"), counted(21_195, "device")), ("0 pallets".into(), "21,195 devices".into()));
    }

    #[test]
    fn bars_hold_for_every_filling() {
        for (count, size, expected) in [(0, 10, 0), (1, 100_000, 1), (99_999, 100_000, 10), (5, 3, 10), (0, 0, 0)] {
            let drawn = bar(&Filling { id: String::new(), count, size }, Style::PLAIN);
            assert_eq!(drawn.matches('#').count(), expected, "{drawn}");
        }
    }
}
