//! What the service said before, for a while.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Answers, each with the time at which it was given. The oldest go when there are too many.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    answers: HashMap<K, (Instant, Duration, V)>,
    /// In the order in which they were kept; one that was kept again is there more than once.
    order: VecDeque<(Instant, K)>,
    most: usize,
}

impl<K: Clone + Eq + std::hash::Hash, V: Clone> Cache<K, V> {
    /// Keeps at most so many.
    pub(super) fn new(most: usize) -> Self {
        Self { answers: HashMap::new(), order: VecDeque::new(), most }
    }

    /// Keeps an answer that was given at `now`.
    pub(super) fn keep(&mut self, about: K, answer: V, now: Instant) {
        self.keep_of_before(about, answer, now, Duration::ZERO);
    }

    /// Keeps an answer that was so old at `now`.
    pub(super) fn keep_of_before(&mut self, about: K, answer: V, now: Instant, age: Duration) {
        self.answers.insert(about.clone(), (now, age, answer));
        self.order.push_back((now, about));
        while self.answers.len() > self.most || self.order.len() > 2 * self.most {
            let Some((at, about)) = self.order.pop_front() else { break };
            if self.answers.get(&about).is_some_and(|(kept, ..)| *kept == at) {
                self.answers.remove(&about);
            }
        }
    }

    /// An answer that is not older than this, and its age.
    pub(super) fn get(&self, about: &K, now: Instant, oldest: Duration) -> Option<(Duration, V)> {
        let (at, before, answer) = self.answers.get(about)?;
        let age = now.saturating_duration_since(*at).saturating_add(*before);
        (age <= oldest).then(|| (age, answer.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_answer_is_given_again_until_it_is_too_old() {
        let (mut cache, begin) = (Cache::new(10), Instant::now());
        cache.keep("S1", 1, begin);
        assert_eq!(cache.get(&"S1", begin + SECOND, SECOND), Some((SECOND, 1)));
        assert_eq!(cache.get(&"S1", begin + 2 * SECOND, SECOND), None);
        assert_eq!(cache.get(&"S2", begin, SECOND), None);
        cache.keep_of_before("S3", 3, begin, 5 * SECOND);
        assert_eq!(cache.get(&"S3", begin + SECOND, 6 * SECOND), Some((6 * SECOND, 3)));
        assert_eq!(cache.get(&"S3", begin + SECOND, 5 * SECOND), None);
        cache.keep("S1", 2, begin + 2 * SECOND);
        assert_eq!(cache.get(&"S1", begin + 3 * SECOND, SECOND), Some((SECOND, 2)));
    }

    #[test]
    fn the_oldest_go_and_it_never_grows() {
        let (mut cache, begin) = (Cache::new(3), Instant::now());
        for n in 0..100u32 {
            cache.keep(n % 5, n, begin + SECOND * n);
            assert!(cache.answers.len() <= 3 && cache.order.len() <= 6);
            assert!(cache.get(&(n % 5), begin + SECOND * n, SECOND).is_some(), "the newest is there");
        }
        let all: Vec<bool> = (0..5).map(|n| cache.get(&n, begin + SECOND * 99, SECOND * 99).is_some()).collect();
        assert_eq!(all, [false, false, true, true, true]);
    }
}
