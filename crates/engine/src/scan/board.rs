//! Readers that share out the feeds of a scan.
//!
//! A partition of a scan is a run of feeds, cut by bytes; what a byte costs differs. So there is a reader a partition that takes the
//! partition's feeds in their order, and when none is left, those at the ends of others. Each feed's batches wait in a queue
//! of its own until the plan comes to it: the rows and their order are the same whoever reads.
//!
//! Nobody waits for ever: the plan waits for a feed at which its partition has come. Its batches may always be added, and
//! if it was not begun, the partition's own reader comes to it next, for that one leaves its partition only when all of
//! its feeds are begun.

use super::Feed;
use arrow::record_batch::RecordBatch;
use datafusion::common::{DataFusionError, Result, exec_err};
use futures::Stream;
use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Batches that wait of a feed that the plan reads.
const WAITING: usize = 2;

/// Bytes that may wait of all feeds to which the plan has not come.
const AHEAD: usize = 8 << 20;

/// The feeds of a scan, and how far each is read.
#[derive(Debug)]
pub(super) struct Board {
    places: Vec<Place>,
    state: Mutex<State>,
    /// There may be room for another batch.
    room: Condvar,
}

/// A feed, and which partition it is of.
#[derive(Debug)]
struct Place {
    feed: Arc<dyn Feed>,
    partition: usize,
    size: u64,
}

#[derive(Debug)]
struct State {
    queues: Vec<Queue>,
    partitions: Vec<Partition>,
    /// Bytes that wait of feeds to which the plan has not come.
    ahead: usize,
    /// The columns that are read: those of the first who asked.
    columns: Option<Vec<String>>,
    /// Nobody wants more.
    closed: bool,
}

#[derive(Debug)]
struct Partition {
    /// Its feeds that nobody has begun to read: they are taken from both ends.
    left: Range<usize>,
    /// And their bytes.
    bytes: u64,
    /// Whether it has a reader.
    is_read: bool,
}

#[derive(Debug, Default)]
struct Queue {
    /// The plan has come to it.
    open: bool,
    /// The plan wants no more of it.
    dropped: bool,
    batches: VecDeque<RecordBatch>,
    /// Their bytes, as long as it is not open.
    bytes: usize,
    end: Option<Result<()>>,
    waker: Option<Waker>,
}

impl Queue {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Board {
    /// The feeds of all partitions, in order, each with its size.
    pub(super) fn new(partitions: &[Vec<(Arc<dyn Feed>, u64)>]) -> Self {
        let mut places = Vec::new();
        let mut all = Vec::new();
        for (partition, feeds) in partitions.iter().enumerate() {
            let begin = places.len();
            places.extend(feeds.iter().map(|(feed, size)| Place { feed: feed.clone(), partition, size: *size }));
            let bytes = feeds.iter().map(|(_, size)| size).sum();
            all.push(Partition { left: begin..places.len(), bytes, is_read: false });
        }
        let queues = places.iter().map(|_| Queue::default()).collect();
        let state = State { queues, partitions: all, ahead: 0, columns: None, closed: false };
        Board { places, state: Mutex::new(state), room: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether these columns are what is read here.
    pub(super) fn is_for(&self, columns: &[String]) -> bool {
        self.lock().columns.get_or_insert_with(|| columns.to_vec()) == columns
    }

    pub(super) fn feed(&self, place: usize) -> &Arc<dyn Feed> {
        &self.places[place].feed
    }

    /// The plan has come to a feed: its batches. The partition, where it has no reader yet; the caller starts it.
    /// Nothing where the feed was read before: a plan that runs twice.
    pub(super) fn open(self: &Arc<Self>, place: usize, open: &Arc<Open>) -> Option<(Batches, Option<usize>)> {
        let partition = self.places[place].partition;
        let mut state = self.lock();
        let queue = &mut state.queues[place];
        if std::mem::replace(&mut queue.open, true) {
            return None;
        }
        let bytes = std::mem::take(&mut queue.bytes);
        state.ahead -= bytes;
        let is_new = !std::mem::replace(&mut state.partitions[partition].is_read, true);
        drop(state);
        self.room.notify_all();
        let batches = Batches { board: self.clone(), place, _open: open.clone() };
        Some((batches, is_new.then_some(partition)))
    }

    /// What the reader of a partition is to read next.
    pub(super) fn next(self: &Arc<Self>, partition: usize) -> Option<Reading> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let place = match state.partitions[partition].left.next() {
            Some(own) => own,
            None => {
                // From where most is left, what comes last.
                let others = state.partitions.iter_mut().filter(|p| !p.left.is_empty());
                others.max_by_key(|p| p.bytes)?.left.next_back()?
            }
        };
        let Place { partition, size, .. } = &self.places[place];
        state.partitions[*partition].bytes -= size;
        Some(Reading { board: self.clone(), place, end: exec_err!("a reader stopped without a word") })
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.queues.iter_mut().for_each(Queue::wake);
        drop(state);
        self.room.notify_all();
    }
}

/// Held by all who may want rows of a scan. When the last one lets go, its readers stop.
#[derive(Debug)]
pub(super) struct Open(pub(super) Arc<Board>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A feed that a reader reads. Dropping it ends the feed.
pub(super) struct Reading {
    board: Arc<Board>,
    pub(super) place: usize,
    end: Result<()>,
}

impl Reading {
    /// Hands a batch over; waits while enough of them wait.
    pub(super) fn add(&self, batch: RecordBatch) -> ControlFlow<()> {
        let bytes = batch.get_array_memory_size();
        let mut state = self.board.lock();
        loop {
            let queue = &state.queues[self.place];
            if state.closed || queue.dropped {
                return ControlFlow::Break(());
            }
            let full = if queue.open { queue.batches.len() >= WAITING } else { state.ahead >= AHEAD };
            if !full {
                break;
            }
            state = self.board.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.queues[self.place].open {
            state.ahead += bytes;
            state.queues[self.place].bytes += bytes;
        }
        let queue = &mut state.queues[self.place];
        queue.batches.push_back(batch);
        queue.wake();
        ControlFlow::Continue(())
    }

    /// Whether anybody wants more of it.
    pub(super) fn is_wanted(&self) -> ControlFlow<()> {
        let state = self.board.lock();
        match state.closed || state.queues[self.place].dropped {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// How it ended.
    pub(super) fn ended(mut self, end: Result<()>) {
        self.end = end;
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let end = std::mem::replace(&mut self.end, Ok(()));
        let mut state = self.board.lock();
        let queue = &mut state.queues[self.place];
        queue.end = Some(end);
        queue.wake();
    }
}

/// The batches of a feed as the plan reads them.
pub(super) struct Batches {
    board: Arc<Board>,
    place: usize,
    _open: Arc<Open>,
}

impl Batches {
    pub(super) fn board(&self) -> &Arc<Board> {
        &self.board
    }
}

impl Stream for Batches {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.board.lock();
        let queue = &mut state.queues[self.place];
        if let Some(batch) = queue.batches.pop_front() {
            drop(state);
            self.board.room.notify_all();
            return Poll::Ready(Some(Ok(batch)));
        }
        match &mut queue.end {
            None => {
                queue.waker = Some(context.waker().clone());
                Poll::Pending
            }
            Some(end) => Poll::Ready(std::mem::replace(end, Ok(())).err().map(Err)),
        }
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        let mut state = self.board.lock();
        let queue = &mut state.queues[self.place];
        queue.dropped = true;
        queue.batches.clear();
        drop(state);
        self.board.room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Wanted;
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Int64Type;
    use futures::StreamExt;
    use parallax_telemetry::Report;
    use proptest::prelude::*;

    /// A feed whose batches are a number each.
    #[derive(Debug)]
    struct Numbers(Vec<i64>);

    impl Feed for Numbers {
        fn name(&self) -> &str {
            "numbers"
        }
        fn size(&self) -> u64 {
            self.0.len() as u64
        }
        fn scan(
            &self,
            _: Wanted<'_>,
            _: &Report,
            _: &mut dyn FnMut(RecordBatch) -> ControlFlow<()>,
        ) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn batch(number: i64) -> RecordBatch {
        RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![number])) as _)]).unwrap()
    }

    fn number(batch: &RecordBatch) -> i64 {
        batch.column(0).as_primitive::<Int64Type>().value(0)
    }

    fn read(board: &Arc<Board>, partition: usize, numbers: &[Vec<i64>]) {
        while let Some(reading) = board.next(partition) {
            let _ = numbers[reading.place].iter().try_for_each(|n| reading.add(batch(*n)));
            reading.ended(Ok(()));
        }
    }

    /// Takes the rows of each partition in the order of its feeds; partitions side by side, or one after the other.
    async fn taken(
        board: Arc<Board>,
        numbers: Arc<Vec<Vec<i64>>>,
        partitions: Vec<Vec<usize>>,
        at_once: bool,
        most: usize,
    ) -> Vec<Vec<i64>> {
        let open = Arc::new(Open(board));
        let mut all = Vec::new();
        for feeds in partitions {
            let (open, numbers) = (open.clone(), numbers.clone());
            let task = async move {
                let mut rows = Vec::new();
                for place in feeds {
                    let (mut batches, reader) = open.0.open(place, &open).unwrap();
                    if let Some(partition) = reader {
                        let (board, numbers) = (open.0.clone(), numbers.clone());
                        drop(tokio::task::spawn_blocking(move || read(&board, partition, &numbers)));
                    }
                    while let Some(batch) = batches.next().await {
                        rows.push(number(&batch.unwrap()));
                        tokio::task::yield_now().await;
                        if rows.len() == most {
                            return rows;
                        }
                    }
                }
                rows
            };
            match at_once {
                true => all.push(tokio::spawn(task)),
                false => {
                    let rows = task.await;
                    all.push(tokio::spawn(async move { rows }));
                }
            }
        }
        drop(open);
        let mut out = Vec::new();
        for task in all {
            out.push(task.await.unwrap());
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_row_comes_in_the_order_of_the_feeds(
            feeds in proptest::collection::vec(proptest::collection::vec(0usize..12, 1..8), 1..5),
            at_once in any::<bool>(),
            most in prop_oneof![Just(usize::MAX), 1usize..10],
        ) {
            let (mut numbers, mut partitions, mut groups) = (Vec::new(), Vec::new(), Vec::new());
            for feeds in feeds {
                let (mut places, mut group) = (Vec::new(), Vec::new());
                for n in feeds {
                    places.push(numbers.len());
                    let own: Vec<i64> = (0..n).map(|i| (numbers.len() * 100 + i) as i64).collect();
                    let feed: Arc<dyn Feed> = Arc::new(Numbers(own.clone()));
                    group.push((feed, n as u64));
                    numbers.push(own);
                }
                partitions.push(places);
                groups.push(group);
            }
            let expected: Vec<Vec<i64>> = partitions.iter()
                .map(|places| places.iter().flat_map(|p| numbers[*p].clone()).take(most).collect()).collect();
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
            let board = Arc::new(Board::new(&groups));
            let taken = runtime.block_on(taken(board, Arc::new(numbers), partitions, at_once, most));
            // Readers end where nobody wants more: nothing is left to wait for.
            drop(runtime);
            prop_assert_eq!(taken, expected);
        }
    }
}
