//! Shared by the benches: command line, clock, paired times, report, and a counting allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use presence_core::{SignedDuration, Timestamp};

const USAGE: &str = "usage: cargo bench [--bench NAME] [-- [--json] [--quick] [--users N]]
  --json     one object a line instead of a table
  --quick    a run of a few seconds with few users, to check that everything works
  --users N  with --bench directory: only the row of the scale table with N users";

/// The options of the command line.
pub(crate) struct Options {
    pub(crate) json: bool,
    pub(crate) quick: bool,
    pub(crate) users: Option<u32>,
}

impl Options {
    /// Reads the command line. An unknown argument ends the process with status 2.
    ///
    /// `cargo bench` passes `--bench`. Without it, as in `cargo test --all-targets`, the run is quick.
    pub(crate) fn from_arguments() -> Self {
        let mut options = Self { json: false, quick: true, users: None };
        let mut quick = false;
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--bench" => options.quick = false,
                "--json" => options.json = true,
                "--quick" => quick = true,
                "--users" => {
                    let users = arguments.next().and_then(|users| users.parse().ok());
                    options.users = users.filter(|users| *users > 0);
                    if options.users.is_none() {
                        reject("--users needs a number of users, at least 1");
                    }
                }
                _ => reject(&format!("unknown argument: {argument}")),
            }
        }
        options.quick |= quick;
        options
    }
}

fn reject(why: &str) -> ! {
    eprintln!("{why}\n{USAGE}");
    process::exit(2)
}

/// The clock of a bench. Each operation advances it by the same small step.
pub(crate) struct Clock {
    now: Timestamp,
    step: SignedDuration,
}

impl Clock {
    /// Creates a clock that advances by one microsecond an operation.
    pub(crate) fn new() -> Self {
        Self::with_step(SignedDuration::MICROSECOND)
    }

    pub(crate) fn with_step(step: SignedDuration) -> Self {
        Self { now: Timestamp::UNIX_EPOCH, step }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the timestamps of this many operations.
    pub(crate) fn batch(&mut self, operations: usize) -> Vec<Timestamp> {
        let timestamps = (0..operations).map(|_| {
            self.now += self.step;
            self.now
        });
        timestamps.collect()
    }
}

/// The times of the variants of one operation, round by round.
pub(crate) struct Times {
    /// Nanoseconds an operation, one list for each variant.
    samples: Vec<Vec<f64>>,
    operations: u64,
    /// The allocations of the first variant.
    allocations: u64,
}

impl Times {
    pub(crate) fn new() -> Self {
        Self { samples: Vec::new(), operations: 0, allocations: 0 }
    }

    /// Times each variant once. Another variant is first in each round.
    pub(crate) fn round(&mut self, operations: usize, variants: &mut [&mut dyn FnMut()]) {
        self.samples.resize_with(variants.len(), Vec::new);
        let round = self.samples.iter().map(Vec::len).max().unwrap_or(0);
        for turn in 0..variants.len() {
            let variant = (round + turn) % variants.len();
            let allocations = ALLOCATOR.allocations.load(Relaxed);
            let start = Instant::now();
            variants[variant]();
            let elapsed = start.elapsed();
            if variant == 0 {
                self.operations += operations as u64;
                self.allocations += ALLOCATOR.allocations.load(Relaxed) - allocations;
            }
            self.samples[variant].push(elapsed.as_secs_f64() * 1e9 / float(operations as u64));
        }
    }

    /// Returns the median of a variant in nanoseconds an operation.
    pub(crate) fn nanoseconds(&self, variant: usize) -> f64 {
        median(self.samples[variant].clone())
    }

    /// Returns the time of one variant divided by that of another: the median over groups of rounds
    /// in which each variant is first once.
    pub(crate) fn ratio(&self, variant: usize, other: usize) -> f64 {
        let groups = |variant: usize| self.samples[variant].chunks(self.samples.len());
        let pairs = groups(variant).zip(groups(other));
        median(pairs.map(|(one, other)| one.iter().sum::<f64>() / other.iter().sum::<f64>()).collect())
    }

    /// Returns the allocations of the first variant an operation.
    pub(crate) fn allocations(&self) -> f64 {
        float(self.allocations) / float(self.operations)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::cast_precision_loss, reason = "no count here is near 2^52")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// Keeps the compiler from removing the computation of a value.
pub(crate) fn consume<T>(value: T) {
    let _ = black_box(value);
}

/// One line of a report: named cells in order.
#[derive(Default)]
pub(crate) struct Row {
    cells: Vec<(&'static str, Cell)>,
}

enum Cell {
    Text(String),
    Number(f64),
    Yes(bool),
}

impl Row {
    pub(crate) fn text(mut self, name: &'static str, text: &str) -> Self {
        self.cells.push((name, Cell::Text(text.to_owned())));
        self
    }

    pub(crate) fn number(mut self, name: &'static str, number: f64) -> Self {
        self.cells.push((name, Cell::Number(number)));
        self
    }

    /// Adds the highest number that a cell should have, and whether it has no more.
    pub(crate) fn goal(self, name: &'static str, goal: Option<f64>) -> Self {
        let (Some(goal), Some(Cell::Number(number))) = (goal, self.cell(name)) else { return self };
        let is_met = *number <= goal;
        let mut row = self.number("goal", goal);
        row.cells.push(("met", Cell::Yes(is_met)));
        row
    }

    fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.iter().find(|(cell, _)| *cell == name).map(|(_, cell)| cell)
    }

    fn json(&self, table: &str) -> String {
        let fields = self.cells.iter().map(|(name, cell)| match cell {
            Cell::Text(text) => format!(r#""{name}":"{text}""#),
            Cell::Number(number) => format!(r#""{name}":{}"#, (number * 1e3).round() / 1e3),
            Cell::Yes(yes) => format!(r#""{name}":{yes}"#),
        });
        format!(r#"{{"table":"{table}",{}}}"#, fields.collect::<Vec<_>>().join(","))
    }

    fn cell_text(&self, name: &str) -> String {
        match self.cell(name) {
            Some(Cell::Text(text)) => text.clone(),
            Some(Cell::Number(number)) if number.fract() == 0.0 => format!("{number:.0}"),
            Some(Cell::Number(number)) => format!("{number:.2}"),
            Some(Cell::Yes(true)) => "yes".to_owned(),
            Some(Cell::Yes(false)) => "NO".to_owned(),
            None => String::new(),
        }
    }
}

/// Prints a report as a table with these columns, or as JSON with all cells.
pub(crate) fn print(title: &str, columns: &[&str], rows: &[Row], options: &Options) {
    if options.json {
        for row in rows {
            println!("{}", row.json(title));
        }
        return;
    }
    println!("\n{title}\n");
    let lines = rows.iter().map(|row| columns.iter().map(|column| row.cell_text(column)).collect());
    let mut lines: Vec<Vec<String>> = lines.collect();
    lines.insert(0, columns.iter().map(|column| (*column).to_owned()).collect());
    for line in &lines {
        let cells = line.iter().enumerate().map(|(column, cell)| {
            let width = lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
            if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// The system's allocator, with counters.
///
/// A bench has one thread, so a load and a store can stand for one atomic addition.
pub(crate) struct Counting {
    allocations: AtomicU64,
    live: AtomicU64,
}

#[global_allocator]
static ALLOCATOR: Counting = Counting { allocations: AtomicU64::new(0), live: AtomicU64::new(0) };

/// Returns the bytes that are allocated now.
pub(crate) fn live_bytes() -> u64 {
    ALLOCATOR.live.load(Relaxed)
}

impl Counting {
    fn count(&self, freed: usize, taken: usize) {
        if taken > 0 {
            self.allocations.store(self.allocations.load(Relaxed) + 1, Relaxed);
        }
        let live = self.live.load(Relaxed).wrapping_sub(freed as u64);
        self.live.store(live.wrapping_add(taken as u64), Relaxed);
    }
}

// SAFETY: every call is passed on unchanged, and counting allocates nothing.
#[expect(unsafe_code, reason = "an allocator cannot be written without it")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(0, layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count(0, layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.count(layout.size(), size);
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.count(layout.size(), 0);
        unsafe { System.dealloc(block, layout) }
    }
}
