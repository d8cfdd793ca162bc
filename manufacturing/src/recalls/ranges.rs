//! Serial numbers as stretches that people can read: `A0001 to A0500`.

/// Most stretches that are told; the list itself names every unit.
pub const MOST: usize = 1000;

/// Gathers serials that come in order.
#[derive(Debug, Default)]
pub struct Ranges {
    told: Vec<(String, String)>,
    open: Option<(String, String)>,
    more: u64,
}

/// A serial number as a beginning and the digits at its end.
fn parts(serial: &str) -> (&str, &str) {
    serial.split_at(serial.trim_end_matches(|character: char| character.is_ascii_digit()).len())
}

/// Is `next` the number after `last`, written alike?
fn follows(last: &str, next: &str) -> bool {
    let ((head, a), (other, b)) = (parts(last), parts(next));
    // Numbers of more digits than u128 has are left as they are.
    let numbers = a.parse::<u128>().ok().zip(b.parse::<u128>().ok());
    head == other && a.len() == b.len() && numbers.is_some_and(|(a, b)| a.checked_add(1) == Some(b))
}

impl Ranges {
    /// Takes in the next one.
    pub fn take(&mut self, serial: &str) {
        match &mut self.open {
            Some((_, last)) if last == serial => {}
            Some((_, last)) if follows(last, serial) => serial.clone_into(last),
            _ => {
                self.close();
                self.open = Some((serial.to_owned(), serial.to_owned()));
            }
        }
    }

    fn close(&mut self) {
        match self.open.take() {
            Some(range) if self.told.len() < MOST => self.told.push(range),
            Some(_) => self.more += 1,
            None => {}
        }
    }

    /// The stretches, and how many more there are.
    pub fn end(mut self) -> (Vec<(String, String)>, u64) {
        self.close();
        (self.told, self.more)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(serials: &[&str]) -> Vec<(String, String)> {
        let mut ranges = Ranges::default();
        serials.iter().for_each(|serial| ranges.take(serial));
        ranges.end().0
    }

    #[test]
    fn what_follows_is_one_stretch_and_the_rest_is_not() {
        let range = |first: &str, last: &str| (first.to_owned(), last.to_owned());
        assert_eq!(told(&["A09", "A10", "A11", "A13"]), [range("A09", "A11"), range("A13", "A13")]);
        assert_eq!(told(&["A9", "A10"]), [range("A9", "A9"), range("A10", "A10")], "written otherwise");
        assert_eq!(told(&["A1", "B2"]), [range("A1", "A1"), range("B2", "B2")]);
        assert_eq!(told(&["A1", "A1", "A2"]), [range("A1", "A2")], "two scopes");
        assert_eq!(told(&["X", "Y"]), [range("X", "X"), range("Y", "Y")]);
        let mut many = Ranges::default();
        (0..MOST + 5).for_each(|number| many.take(&format!("A{:05}", number * 2)));
        let (told, more) = many.end();
        assert_eq!((told.len(), more), (MOST, 5));
    }

    proptest! {
        #[test]
        fn any_serial_can_come(serials in prop::collection::vec(".{0,50}|[0-9]{30,50}|A[0-9]{2}", 0..20)) {
            let mut sorted = serials;
            sorted.sort();
            let mut ranges = Ranges::default();
            sorted.iter().for_each(|serial| ranges.take(serial));
            let (told, _) = ranges.end();
            prop_assert!(told.iter().all(|(first, last)| sorted.contains(first) && sorted.contains(last)));
        }
    }
}
