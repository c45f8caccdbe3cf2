use std::collections::BTreeSet;

use crate::Size;
use crate::harness::{Row, Times, consume, float};
use crate::ids::scattered;
use crate::queue::{DeadlineQueue, Due, Entry};

const HOURS_4: i64 = 4 * 3_600 * 1_000_000_000;

/// Measures the queue of a directory alone, beside an ordered set of the standard library. Deadlines are
/// spread over four hours.
pub(crate) fn deadlines(size: &Size) -> Vec<Row> {
    let entries: Vec<Entry> = (0..u64::from(size.users)).map(entry).collect();
    let mut both = (DeadlineQueue::<u64>::new(), BTreeSet::<Entry>::new());
    let push = measure(&mut both, size, &entries, add, |set, entry| {
        set.insert(entry);
    });
    let earlier = measure(
        &mut both,
        size,
        &entries,
        |queue, entry| {
            queue.remove(entry, &entry.hash);
            add(queue, sooner(entry));
        },
        |set, entry| {
            set.remove(&entry);
            set.insert(sooner(entry));
        },
    );
    let due = measure(
        &mut both,
        size,
        &entries,
        |queue, _| {
            let due =
                queue.pop(HOURS_4, |tied| tied.iter().map(|entry| (entry.hash, entry.hash)).collect());
            if let Some(Due { entry, .. }) = due {
                add(queue, later(entry));
            }
        },
        |set, _| {
            if let Some(entry) = set.pop_first() {
                set.insert(later(entry));
            }
        },
    );
    let entries: Vec<_> = entries.into_iter().map(|entry| later(sooner(entry))).collect();
    let remove = measure(
        &mut both,
        size,
        &entries,
        |queue, entry| queue.remove(entry, &entry.hash),
        |set, entry| {
            set.remove(&entry);
        },
    );
    assert!(both.0.first().is_none() && both.1.is_empty(), "all entries are removed");
    let rows = [("push", push), ("earlier", earlier), ("due", due), ("remove", remove)];
    rows.map(|(op, times)| row(op, size, &times)).into()
}

/// Times both in short rounds, for each entry once.
fn measure(
    (queue, set): &mut (DeadlineQueue<u64>, BTreeSet<Entry>),
    size: &Size,
    entries: &[Entry],
    mut in_queue: impl FnMut(&mut DeadlineQueue<u64>, Entry),
    mut in_set: impl FnMut(&mut BTreeSet<Entry>, Entry),
) -> Times {
    let mut times = Times::new();
    for chunk in entries.chunks(size.chunk) {
        times.round(
            chunk.len(),
            &mut [
                &mut || {
                    for entry in chunk {
                        in_queue(queue, *entry);
                    }
                },
                &mut || chunk.iter().for_each(|entry| in_set(set, *entry)),
            ],
        );
    }
    times
}

fn row(op: &str, size: &Size, times: &Times) -> Row {
    Row::default()
        .text("op", op)
        .number("entries", float(u64::from(size.users)))
        .number("ns", times.nanoseconds(0))
        .number("set_ns", times.nanoseconds(1))
        .number("ratio", times.ratio(0, 1))
        .number("allocations", times.allocations())
}

fn entry(number: u64) -> Entry {
    let hash = scattered(number);
    Entry { at: scattered(hash).cast_signed().rem_euclid(HOURS_4), hash }
}

fn add(queue: &mut DeadlineQueue<u64>, entry: Entry) {
    queue.push(entry, &entry.hash);
    consume(queue.first());
}

fn sooner(entry: Entry) -> Entry {
    Entry { at: entry.at / 2, ..entry }
}

fn later(entry: Entry) -> Entry {
    Entry { at: entry.at + HOURS_4, ..entry }
}
