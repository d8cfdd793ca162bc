//! A CSV file as cells with their places (RFC 4180; also with `;` or tabs between the cells, as spreadsheets of some countries
//! write it).

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Its text, without the white space around it.
    pub text: String,
    /// Line and column where it begins, from 1, the column in characters.
    pub place: (usize, usize),
}

/// The file cannot be taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Where.
    pub place: (usize, usize),
    /// What is wrong there.
    pub what: &'static str,
}

/// The rows of a file, empty lines left out. The first row says what stands between the cells.
///
/// # Errors
/// Where a quoted cell does not end, or goes on behind its end: from there on nothing means what it says.
pub fn rows(text: &str) -> Result<Vec<Vec<Cell>>, Broken> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let between =
        [';', '\t'].into_iter().find(|between| first.contains(*between) && !first.contains(',')).unwrap_or(',');
    let mut reader = Reader { rest: text.chars().peekable(), line: 1, column: 1 };
    let mut rows = Vec::new();
    let mut row = Vec::new();
    while reader.rest.peek().is_some() {
        row.push(reader.cell(between)?);
        match reader.next() {
            Some(next) if next == between => {
                // A line may end in an empty cell.
                if reader.rest.peek().is_none_or(|next| matches!(next, '\n' | '\r')) {
                    row.push(Cell { text: String::new(), place: reader.place() });
                    reader.next_line();
                } else {
                    continue;
                }
            }
            Some('\r') => {
                reader.rest.next_if_eq(&'\n');
                reader.new_line();
            }
            _ => {}
        }
        let row = std::mem::take(&mut row);
        if row.iter().any(|cell: &Cell| !cell.text.is_empty()) {
            rows.push(row);
        }
    }
    Ok(rows)
}

struct Reader<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    line: usize,
    column: usize,
}

impl Reader<'_> {
    fn place(&self) -> (usize, usize) {
        (self.line, self.column)
    }

    fn new_line(&mut self) {
        (self.line, self.column) = (self.line + 1, 1);
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        match next {
            '\n' => self.new_line(),
            _ => self.column += 1,
        }
        Some(next)
    }

    fn next_line(&mut self) {
        if let Some('\r') = self.next() {
            self.rest.next_if_eq(&'\n');
            self.new_line();
        }
    }

    /// A cell up to what stands behind it.
    fn cell(&mut self, between: char) -> Result<Cell, Broken> {
        let ends = |next: char| next == between || matches!(next, '\n' | '\r');
        while self.rest.next_if(|next| matches!(next, ' ' | '\t') && !ends(*next)).is_some() {
            self.column += 1;
        }
        let place = self.place();
        let mut text = String::new();
        if self.rest.peek() != Some(&'"') {
            while self.rest.peek().is_some_and(|next| !ends(*next)) {
                text.extend(self.next());
            }
            return Ok(Cell { text: text.trim_end().to_owned(), place });
        }
        self.next();
        loop {
            match self.next() {
                None => return Err(Broken { place, what: "a quoted cell does not end" }),
                Some('"') if self.rest.peek() == Some(&'"') => text.extend(self.next()),
                Some('"') => break,
                Some(other) => text.push(other),
            }
        }
        while self.rest.next_if(|next| matches!(next, ' ' | '\t') && !ends(*next)).is_some() {
            self.column += 1;
        }
        match self.rest.peek() {
            Some(next) if !ends(*next) => {
                Err(Broken { place: self.place(), what: "a quoted cell goes on behind its end" })
            }
            _ => Ok(Cell { text: text.trim().to_owned(), place }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<Vec<String>> {
        let text_of = |cell: Cell| cell.text;
        rows(text).unwrap().into_iter().map(|row| row.into_iter().map(text_of).collect()).collect()
    }

    #[test]
    fn cells_are_taken_apart_and_know_their_places() {
        let rows = rows("a, b ,\"c \"\"d\"\"\ne\"\r\n\r\n1,,\n ü,\"x\" ,y").unwrap();
        let shown: Vec<Vec<(&str, usize, usize)>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| (cell.text.as_str(), cell.place.0, cell.place.1)).collect())
            .collect();
        assert_eq!(
            shown,
            [
                vec![("a", 1, 1), ("b", 1, 4), ("c \"d\"\ne", 1, 7)],
                vec![("1", 4, 1), ("", 4, 3), ("", 4, 4)],
                vec![("ü", 5, 2), ("x", 5, 4), ("y", 5, 9)],
            ]
        );
        assert_eq!(texts("\u{feff}a;b\n1;2,5\n"), [["a", "b"], ["1", "2,5"]]);
        assert_eq!(texts("a\tb\n1\t\n"), [["a", "b"], ["1", ""]]);
        assert_eq!(texts(""), Vec::<Vec<String>>::new());
    }

    #[test]
    fn what_cannot_be_taken_apart_says_where() {
        assert_eq!(rows("a\n\"b").unwrap_err(), Broken { place: (2, 1), what: "a quoted cell does not end" });
        assert_eq!(rows("a\n\"b\"c").unwrap_err().place, (2, 4));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[ab\",;\\r\\n\\t ü]{0,60}") {
            if let Ok(rows) = rows(&text) {
                for cell in rows.iter().flatten() {
                    prop_assert!(cell.place.0 >= 1 && cell.place.1 >= 1);
                }
            }
        }

        #[test]
        fn what_is_quoted_comes_back(cells in proptest::collection::vec("[a-z\",;\\n]{1,6}", 1..5)) {
            let line: Vec<String> = cells.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            let text = format!("x,y\n{}\n", line.join(","));
            let wanted: Vec<String> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
            prop_assume!(wanted.iter().any(|cell| !cell.is_empty()));
            prop_assert_eq!(&texts(&text)[1], &wanted);
        }
    }
}
