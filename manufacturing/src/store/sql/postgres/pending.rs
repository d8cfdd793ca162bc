//! What was sent to the server and not looked at yet.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use futures_util::future::{MaybeDone, maybe_done};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::{Param, Purpose};
use super::values::{Owned, Value};

/// What comes back.
pub type Answered<T> = Result<T, tokio_postgres::Error>;
/// A statement that is on its way.
pub type Sent = Pin<Box<dyn Future<Output = Answered<()>> + Send>>;
/// A question that is on its way.
type Asked = Pin<Box<dyn Future<Output = Answered<Vec<Row>>> + Send>>;

/// Questions that were sent ahead and that nobody has put; more of them are dropped, the oldest first.
const MOST_AHEAD: usize = 32;

/// What was sent in one transaction.
pub struct Pending {
    purpose: Purpose,
    /// Changes, in order.
    sent: Vec<MaybeDone<Sent>>,
    ahead: VecDeque<Ahead>,
}

/// A question that was sent before it is put.
struct Ahead {
    sql: String,
    values: Vec<Owned>,
    answer: MaybeDone<Asked>,
}

/// Values as a statement takes them.
pub fn borrowed(values: &[Owned]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| -> &(dyn ToSql + Sync) { value }).collect()
}

/// The same of values that wait.
pub fn boxed(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| -> &(dyn ToSql + Sync) { &**value }).collect()
}

/// What is polled for the first time is handed to the connection.
fn begin<F: Future + Unpin>(future: F) -> MaybeDone<F> {
    let mut future = maybe_done(future);
    // Nobody waits for it yet, so that nobody has to be woken.
    let _there = Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop()));
    future
}

impl Pending {
    pub fn new(purpose: Purpose) -> Self {
        Self { purpose, sent: Vec::new(), ahead: VecDeque::new() }
    }

    pub fn is_reading(&self) -> bool {
        self.purpose == Purpose::Read
    }

    /// Something is changed or locked: what was asked before that may be answered in another way now.
    pub fn changes(&mut self) {
        self.ahead.clear();
    }

    /// Sends a change.
    pub fn send(&mut self, statement: Sent) -> Answered<()> {
        self.changes();
        let mut statement = begin(statement);
        match Pin::new(&mut statement).take_output() {
            Some(done) => done,
            None => {
                self.sent.push(statement);
                Ok(())
            }
        }
    }

    /// Sends a question that is put later, once.
    pub fn ahead(&mut self, sql: &str, params: &[Param<'_>], ask: impl FnOnce(Vec<Owned>) -> Asked) {
        if self.place(sql, params).is_some() {
            return;
        }
        let values = || params.iter().map(Owned::from).collect::<Vec<Owned>>();
        if self.ahead.len() == MOST_AHEAD {
            self.ahead.pop_front();
        }
        self.ahead.push_back(Ahead { sql: sql.to_owned(), values: values(), answer: begin(ask(values())) });
    }

    fn place(&self, sql: &str, params: &[Param<'_>]) -> Option<usize> {
        let is_it =
            |ahead: &Ahead| ahead.sql == sql && ahead.values.iter().map(Owned::param).eq(params.iter().copied());
        self.ahead.iter().position(is_it)
    }

    /// The answer to a question, where it was sent ahead. It is taken out: who asks again gets a new one.
    pub fn asked(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
    ) -> Option<impl Future<Output = Answered<Vec<Row>>> + use<>> {
        let mut answer = self.place(sql, params).and_then(|n| self.ahead.remove(n))?.answer;
        Some(poll_fn(move |cx| match Pin::new(&mut answer).poll(cx) {
            Poll::Ready(()) => Pin::new(&mut answer).take_output().map_or(Poll::Pending, Poll::Ready),
            Poll::Pending => Poll::Pending,
        }))
    }

    /// Waits for an answer and for all changes before it. What was sent ahead is taken in as well: the server answers in
    /// order, and one answer that nobody takes holds up the rest.
    pub async fn wait<T>(&mut self, answer: impl Future<Output = Answered<T>>) -> Answered<T> {
        let mut answer = pin!(maybe_done(answer));
        let mut sent = std::mem::take(&mut self.sent);
        poll_fn(|cx| {
            for ahead in &mut self.ahead {
                // It need not be there yet.
                let _there = Pin::new(&mut ahead.answer).poll(cx);
            }
            let open = sent.iter_mut().filter_map(|sent| Pin::new(sent).poll(cx).is_pending().then_some(())).count();
            match answer.as_mut().poll(cx).is_ready() && open == 0 {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
        for sent in &mut sent {
            Pin::new(sent).take_output().unwrap_or(Ok(()))?;
        }
        let Some(answered) = answer.take_output() else { return std::future::pending().await };
        match answered {
            Err(error) => Err(self.fault().unwrap_or(error)),
            answered => answered,
        }
    }

    /// What the server has against a question that was sent ahead. The transaction is over then, and what comes after it
    /// fails for that reason alone.
    fn fault(&mut self) -> Option<tokio_postgres::Error> {
        let failed = self.ahead.iter().position(|ahead| matches!(&ahead.answer, MaybeDone::Done(Err(_))))?;
        let mut ahead = self.ahead.remove(failed)?;
        Pin::new(&mut ahead.answer).take_output()?.err()
    }
}
