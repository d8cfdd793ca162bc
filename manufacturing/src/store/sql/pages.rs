//! Long answers, read page by page in the order of a key.

use std::vec;

use super::Result;

/// Rows of a page at first, so that the first of them come soon.
pub const FIRST: u32 = 100;
/// And at most.
pub const MOST: u32 = 2000;

/// Reads at most so many rows after a key.
type Fetch<'q, K, T> = dyn FnMut(&K, u32) -> Result<Vec<T>> + 'q;

/// Has at most so many rows after a key read, while those before them are worked on.
type Ahead<'q, K> = dyn FnMut(&K, u32) -> Result<()> + 'q;

/// Rows in the order of a key, as many at a time as memory should hold. Neither engine keeps anything open between two
/// pages, so that other questions can be put to the same connection.
pub struct Pages<'q, K, T> {
    fetch: Box<Fetch<'q, K, T>>,
    /// Told of the page that comes next.
    ahead: Box<Ahead<'q, K>>,
    key: fn(&T) -> K,
    after: K,
    page: vec::IntoIter<T>,
    size: u32,
    most: u32,
    ended: bool,
}

impl<'q, K, T> Pages<'q, K, T> {
    /// The rows after a key. `fetch` reads at most so many rows after a key, lowest first; `key` is that of a row. A page
    /// never has more than `most` rows.
    pub fn after(after: K, most: u32, key: fn(&T) -> K, fetch: impl FnMut(&K, u32) -> Result<Vec<T>> + 'q) -> Self {
        let size = FIRST.min(most);
        let ahead = Box::new(|_: &K, _: u32| Ok(()));
        Self { fetch: Box::new(fetch), ahead, key, after, page: Vec::new().into_iter(), size, most, ended: false }
    }

    /// Tells of each page before it is asked for, while there is something of the one before.
    pub fn with_ahead(self, ahead: impl FnMut(&K, u32) -> Result<()> + 'q) -> Self {
        Self { ahead: Box::new(ahead), ..self }
    }

    /// Goes on after another key, which is higher than that of every row so far: what lies between is not read.
    pub fn skip_to(&mut self, after: K) {
        (self.after, self.page, self.size, self.ended) = (after, Vec::new().into_iter(), FIRST.min(self.most), false);
    }

    /// The next row.
    ///
    /// # Errors
    /// What the store says.
    pub fn next(&mut self) -> Result<Option<T>> {
        if let Some(row) = self.page.next() {
            return Ok(Some(row));
        }
        if self.ended {
            return Ok(None);
        }
        let rows = (self.fetch)(&self.after, self.size)?;
        self.ended = rows.len() < self.size as usize;
        if let Some(last) = rows.last() {
            self.after = (self.key)(last);
        }
        self.size = self.size.saturating_mul(4).min(self.most);
        if !self.ended {
            (self.ahead)(&self.after, self.size)?;
        }
        self.page = rows.into_iter();
        Ok(self.page.next())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn every_row_comes_once_whatever_the_pages_are() {
        for (rows, most) in [(0, 3), (2, 3), (3, 3), (7, 3), (1000, MOST), (100, 100)] {
            let [asked, told] = [const { RefCell::new(Vec::<(i64, u32)>::new()) }; 2];
            let mut pages = Pages::after(
                -1,
                most,
                |row: &i64| *row,
                |after, limit| {
                    asked.borrow_mut().push((*after, limit));
                    Ok((after + 1..rows).take(limit as usize).collect())
                },
            )
            .with_ahead(|after, limit| {
                told.borrow_mut().push((*after, limit));
                Ok(())
            });
            let mut found = Vec::new();
            while let Some(row) = pages.next().unwrap() {
                found.push(row);
            }
            drop(pages);
            assert_eq!(found, (0..rows).collect::<Vec<_>>());
            let asked = asked.take();
            assert!(asked.iter().all(|(_, limit)| *limit <= most), "{asked:?}");
            assert_eq!(asked[1..], told.take());
        }
    }
}
