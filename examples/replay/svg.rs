//! The replay as a picture: a lane for each user. If there is one user, the preference and each session
//! have lanes too. It is narrow, so that a phone shows its texts large enough to be read.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::mem;

use presence_core::{Command, Presence, Timestamp};

use crate::lanes::{Bar, Kind, Lane, Lanes};
use crate::page::fit;
use crate::{Rejection, Report, Update};

/// Lengths are in pixels.
const WIDTH: i64 = 640;
const MARGIN: i64 = 16;
/// Where the lanes start and end.
const LEFT: i64 = MARGIN;
const RIGHT: i64 = WIDTH - MARGIN;
/// Where the first lane starts, below the title, the day and the hours.
const TOP: i64 = 94;
/// The height of the name of a lane, and of the room below a lane.
const LABEL: i64 = 26;
const GAP: i64 = 8;
const SIGN: i64 = 16;
const LEGEND_ROW: i64 = 30;
const LEGEND_COLUMN: i64 = 208;
const LEGEND_COLUMNS: usize = 3;
const SWATCH: i64 = 34;
/// The width of a letter, at most.
const LETTER: i64 = 9;
const BOLD_LETTER: i64 = 11;
/// The width of the name of a lane, and of a user in the title, in letters.
const NAME: usize = 44;
const TITLE_NAME: usize = 16;
/// The width of the title, in letters, if it names users.
const TITLE: usize = 50;
/// How many presences of a lane the description tells one by one.
const TOLD: usize = 12;
/// The largest number of times above the lanes, and how near to an edge one can be in its middle.
const MAX_TIMES: i64 = 8;
const EDGE: i64 = 26;
/// In milliseconds.
const MINUTE: i64 = 60 * 1000;
/// In minutes.
const DAY: i64 = 24 * 60;
/// How many minutes may be between two times.
const STEPS: [i64; 10] = [1, 5, 10, 15, 30, 60, 2 * 60, 6 * 60, 12 * 60, DAY];

/// A bar has a fill, and an edge that stands out from the track.
const STYLE: &str = "\
.presences{--page:#fff;--track:#f3f3f0;--text:#1d1d1f;--quiet:#5f6066;--line:#e3e3df;--green:#2f7d32;--green-edge:#2f7d32;\
--pale:#cfe8cb;--on-pale:#17461a;--red:#b92d3f;--red-edge:#b92d3f;--dark-red:#8c1d2f;--dark-red-edge:#8c1d2f;\
--yellow:#f3bd3c;--yellow-edge:#94690c;--on-yellow:#3a2a00;--grey:#6b6d73;--pale-grey:#e2e2df}
@media(prefers-color-scheme:dark){.presences{--page:#202226;--track:#292c31;--text:#e8e8ea;--quiet:#a3a5ad;--line:#373a41;\
--green:#37803d;--green-edge:#58ad5e;--pale:#27492b;--on-pale:#c2e6c2;--red:#c2384b;--red-edge:#d9566a;--dark-red:#9a2740;\
--dark-red-edge:#d9607a;--yellow:#d9a528;--yellow-edge:#d9a528;--on-yellow:#241a00;--grey:#8b8e96;--pale-grey:#3a3d44}}
.presences text{font:15px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;\
fill:var(--text)}
.presences .page{fill:var(--page);stroke:var(--line)}
.presences .track{fill:var(--track)}
.presences .line{stroke:var(--text);stroke-opacity:.12}
.presences text.quiet{fill:var(--quiet)}
.presences text.title{font-weight:650;font-size:18px}
.presences text.label{font-weight:600;paint-order:stroke;stroke:var(--page);stroke-width:5}
.presences .effective text{font-weight:600}
.presences .bar{fill:var(--fill);stroke:var(--edge)}
.presences .request{fill:var(--text);stroke:var(--page);stroke-width:.6}
.presences .waits .bar{fill:none;stroke-width:1.5;stroke-dasharray:5 3}
.presences .waits{color:var(--edge);--ink:var(--page)}
.presences .on text{fill:var(--on)}
.presences .on{color:var(--on);--ink:var(--fill)}
.presences .disc{fill:currentColor}
.presences .ring{fill:none;stroke:currentColor;stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}
.presences .ink{fill:none;stroke:var(--ink);stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
.presences .Available{--fill:var(--green);--edge:var(--green-edge);--on:#fff}
.presences .AvailableInactive{--fill:var(--pale);--edge:var(--green-edge);--on:var(--on-pale)}
.presences .Away,.presences .BeRightBack{--fill:var(--yellow);--edge:var(--yellow-edge);--on:var(--on-yellow)}
.presences .Busy,.presences .InACall,.presences .InAConferenceCall{--fill:var(--red);--edge:var(--red-edge);--on:#fff}
.presences .DoNotDisturb,.presences .Presenting{--fill:var(--dark-red);--edge:var(--dark-red-edge);--on:#fff}
.presences .OffWork{--fill:var(--pale-grey);--edge:var(--grey);--on:var(--text)}
.presences .Offline{--fill:var(--track);--edge:var(--grey);--on:var(--quiet)}
.presences .Offline .bar{stroke-dasharray:2 3}
";

pub(crate) struct Svg<W> {
    out: W,
    clock: Option<Clock>,
    users: BTreeMap<String, Lanes>,
}

impl<W: Write> Svg<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, clock: None, users: BTreeMap::new() }
    }

    fn pass(&mut self, at: Timestamp) {
        let Clock { first, last, .. } = self.clock.unwrap_or(Clock { now: at, first: at, last: at });
        self.clock = Some(Clock { now: at, first: first.min(at), last: last.max(at) });
    }
}

/// The timestamp of the last line, and the earliest and latest of all.
#[derive(Clone, Copy)]
struct Clock {
    now: Timestamp,
    first: Timestamp,
    last: Timestamp,
}

impl<W: Write> Report for Svg<W> {
    fn accepted(&mut self, _: u64, command: &Command<String>, update: &Update<'_>) -> io::Result<()> {
        self.pass(update.at);
        let user = update.user.to_owned();
        let lanes = self.users.entry(user).or_insert_with(|| Lanes::new(update.user, update.at));
        lanes.apply(command, update.at);
        Ok(())
    }

    fn rejected(&mut self, _: u64, rejection: &Rejection<'_>) -> io::Result<()> {
        if let Some(request) = rejection.request {
            self.pass(request.at);
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        let start = Timestamp::UNIX_EPOCH;
        let Clock { now, first, last } =
            self.clock.unwrap_or(Clock { now: start, first: start, last: start });
        let users = mem::take(&mut self.users);
        let names: Vec<_> =
            users.keys().map(|name| fit(name, TITLE_NAME).trim_end().to_owned()).collect();
        let mut lanes = Vec::new();
        for mut user in users.into_values() {
            user.pass(now);
            if names.len() == 1 {
                lanes.extend(user.into_all());
            } else {
                lanes.push(user.into_effective());
            }
        }
        let title = title(&names, &lanes);
        Picture { title, first, last, lanes }.write(&mut self.out)?;
        self.out.flush()
    }
}

/// Says what the picture shows.
fn title(names: &[String], lanes: &[Lane]) -> String {
    let count = |kind| lanes.iter().filter(|lane| lane.kind == kind).count();
    let title = match (names, count(Kind::Preference), count(Kind::Session)) {
        ([name], 0, 1) => format!("A session of {name}"),
        ([name], 0, sessions @ 2..) => format!("{sessions} sessions of {name}"),
        ([name], 1, 0) => format!("A preference of {name}"),
        ([name], 1, 1) => format!("A preference over a session of {name}"),
        ([name], 1, sessions) => format!("A preference over {sessions} sessions of {name}"),
        ([first @ .., last], ..) if !first.is_empty() => {
            format!("What others see of {} and {last}", first.join(", "))
        }
        _ => format!("What others see of {}", names.first().map_or("nobody", String::as_str)),
    };
    if title.chars().count() <= TITLE {
        title
    } else {
        format!("What others see of {} users", names.len())
    }
}

/// Lanes, and the span of time that they cover.
struct Picture {
    title: String,
    first: Timestamp,
    last: Timestamp,
    lanes: Vec<Lane>,
}

/// An entry of the legend.
enum Entry {
    Presence(Presence),
    Waits(Presence),
    Request,
}

impl Picture {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let bottom = TOP + self.lanes.iter().map(row_height).sum::<i64>();
        let legend = self.legend();
        let total = bottom + 10 + legend.chunks(LEGEND_COLUMNS).map(|_| LEGEND_ROW).sum::<i64>();
        let shape = format!(r#"viewBox="0 0 {WIDTH} {total}" width="{WIDTH}""#);
        let attributes = r#"class="presences" role="img" style="max-width:100%;height:auto""#;
        writeln!(out, r#"<svg xmlns="http://www.w3.org/2000/svg" {shape} {attributes}>"#)?;
        writeln!(out, "<title>{}</title>", escape(&self.title))?;
        writeln!(out, "<desc>{}</desc>", escape(&self.description()))?;
        writeln!(out, "<style>\n{STYLE}</style>")?;
        let (width, total) = (WIDTH - 1, total - 1);
        writeln!(out, r#"<rect class="page" x=".5" y=".5" width="{width}" height="{total}" rx="10"/>"#)?;
        writeln!(out, r#"<text class="title" x="{MARGIN}" y="32">{}</text>"#, escape(&self.title))?;
        writeln!(out, r#"<text class="quiet" x="{MARGIN}" y="54">{}, UTC</text>"#, self.day())?;
        for (y, lane) in self.rows() {
            self.write_bars(out, lane, y)?;
        }
        self.write_times(out, bottom)?;
        for (y, lane) in self.rows() {
            self.write_label(out, lane, y)?;
        }
        let mut y = bottom + 4;
        for row in legend.chunks(LEGEND_COLUMNS) {
            let mut x = LEFT;
            for entry in row {
                entry.write(out, x, y)?;
                x += LEGEND_COLUMN;
            }
            y += LEGEND_ROW;
        }
        writeln!(out, "</svg>")
    }

    /// Says in words what is drawn.
    fn description(&self) -> String {
        let lanes: Vec<_> = self.lanes.iter().map(describe).collect();
        format!("{}, UTC. {}", self.day(), lanes.join(" "))
    }

    fn day(&self) -> String {
        let (first, last) = (self.first.date(), self.last.date());
        let until = if first == last { String::new() } else { format!(" to {} {last}", last.weekday()) };
        format!("{} {first}{until}", first.weekday())
    }

    /// Returns what is in the picture.
    fn legend(&self) -> Vec<Entry> {
        let bars = || self.lanes.iter().flat_map(|lane| &lane.bars);
        let is_shown = |presence: &Presence| bars().any(|bar| bar.presence == *presence);
        let presences = Presence::ALL.iter().copied().filter(is_shown).map(Entry::Presence);
        let waits = bars().find(|bar| bar.waits).map(|bar| Entry::Waits(bar.presence));
        let has_request = self.lanes.iter().any(|lane| !lane.requests.is_empty());
        presences.chain(waits).chain(has_request.then_some(Entry::Request)).collect()
    }

    /// Returns where a time is, in tenths of pixels.
    fn x(&self, milliseconds: i64) -> i64 {
        let passed = milliseconds - self.first.as_milliseconds();
        LEFT * 10 + passed * (RIGHT - LEFT) * 10 / self.span()
    }

    /// Returns the span in milliseconds, at least a minute.
    fn span(&self) -> i64 {
        (self.last.as_milliseconds() - self.first.as_milliseconds()).max(MINUTE)
    }

    fn write_times(&self, out: &mut impl Write, bottom: i64) -> io::Result<()> {
        let is_wide = |step: &i64| self.span() / (step * MINUTE) < MAX_TIMES;
        let days = self.span() / (DAY * MINUTE) / MAX_TIMES + 1;
        let step = STEPS.into_iter().find(is_wide).unwrap_or(DAY * days) * MINUTE;
        let first = self.first.as_milliseconds();
        let mut at = first + (-first).rem_euclid(step);
        while at <= first + self.span() {
            let position = self.x(at);
            // Near an edge the time stays inside.
            let anchor = match position / 10 {
                ..EDGE => "start",
                x if x > WIDTH - EDGE => "end",
                _ => "middle",
            };
            let (x, y, face) = (tenths(position), TOP - 12, face(at, step));
            writeln!(out, r#"<path class="line" d="M{x} {}V{bottom}"/>"#, TOP - 6)?;
            writeln!(
                out,
                r#"<text class="quiet" text-anchor="{anchor}" x="{x}" y="{y}">{face}</text>"#
            )?;
            at += step;
        }
        Ok(())
    }

    /// Returns the lanes, and where the row of each starts.
    fn rows(&self) -> impl Iterator<Item = (i64, &Lane)> {
        self.lanes.iter().scan(TOP, |next, lane| {
            let y = *next;
            *next += row_height(lane);
            Some((y, lane))
        })
    }

    fn write_bars(&self, out: &mut impl Write, lane: &Lane, y: i64) -> io::Result<()> {
        let (y, width, height) = (y + LABEL, RIGHT - LEFT, height(lane));
        let class = if lane.kind == Kind::Effective { r#" class="effective""# } else { "" };
        writeln!(out, "<g{class}>")?;
        writeln!(
            out,
            r#"<rect class="track" x="{LEFT}" y="{y}" width="{width}" height="{height}" rx="5"/>"#
        )?;
        for bar in &lane.bars {
            self.write_bar(out, bar, y, lane)?;
        }
        writeln!(out, "</g>")
    }

    /// Writes the name of a lane and its requests, over the lines of the times.
    fn write_label(&self, out: &mut impl Write, lane: &Lane, y: i64) -> io::Result<()> {
        let name = escape(fit(&lane.name, NAME).trim_end());
        writeln!(out, r#"<text class="label" x="{MARGIN}" y="{}">{name}</text>"#, y + 18)?;
        for at in &lane.requests {
            let (x, y) = (tenths(self.x(at.as_milliseconds())), y + LABEL + height(lane) + 4);
            writeln!(out, r#"<path class="request" d="M{x} {y}m-5 0 5-8 5 8z"/>"#)?;
        }
        Ok(())
    }

    fn write_bar(&self, out: &mut impl Write, bar: &Bar, y: i64, lane: &Lane) -> io::Result<()> {
        let height = height(lane);
        let letter = if lane.kind == Kind::Effective { BOLD_LETTER } else { LETTER };
        let name = bar.presence.activity().as_str();
        let (start, end) = (self.x(bar.from.as_milliseconds()), self.x(bar.to.as_milliseconds()));
        let class = if bar.waits { "waits" } else { "on" };
        write!(out, r#"<g class="{name} {class}">"#)?;
        write_box(out, start, y, (end - start).max(20), height)?;
        let letters: i64 = name.bytes().map(|_| letter).sum();
        let has_name = end - start >= (SIGN + letters + 20) * 10;
        if end - start >= (SIGN + 4) * 10 {
            let sign_x = if has_name { start + 70 } else { (start + end - SIGN * 10) / 2 };
            write_sign(out, bar.presence, sign_x, y + (height - SIGN) / 2)?;
        }
        if has_name {
            let x = tenths(start + (7 + SIGN + 6) * 10);
            write!(out, r#"<text x="{x}" y="{}">{name}</text>"#, y + height / 2 + 5)?;
        }
        writeln!(out, "</g>")
    }
}

impl Entry {
    fn write(&self, out: &mut impl Write, x: i64, y: i64) -> io::Result<()> {
        let (text_x, text_y) = (x + SWATCH + 8, y + 16);
        let (presence, class, text) = match self {
            Self::Presence(presence) => (presence, "on", presence.activity().as_str()),
            Self::Waits(presence) => (presence, "waits", "waits for a session"),
            Self::Request => {
                let x = x + SWATCH / 2;
                write!(out, r#"<path class="request" d="M{x} {}m-5 0 5-8 5 8z"/>"#, y + 15)?;
                return writeln!(out, r#"<text x="{text_x}" y="{text_y}">request</text>"#);
            }
        };
        write!(out, r#"<g class="{} {class}">"#, presence.activity())?;
        write_box(out, x * 10, y, SWATCH * 10, 22)?;
        write_sign(out, *presence, (x + (SWATCH - SIGN) / 2) * 10, y + 3)?;
        writeln!(out, r#"</g><text x="{text_x}" y="{text_y}">{text}</text>"#)
    }
}

/// Tells a lane in words. Of a long one it tells how long each presence has lasted.
fn describe(lane: &Lane) -> String {
    let name = fit(&lane.name, NAME);
    let mut parts = Vec::new();
    if lane.bars.len() <= TOLD {
        for bar in &lane.bars {
            let waits = if bar.waits { " waits" } else { "" };
            let from = face(bar.from.as_milliseconds(), 1);
            let to = face(bar.to.as_milliseconds(), 1);
            parts.push(format!("{}{waits} from {from} to {to}", bar.presence.activity()));
        }
    } else {
        for presence in Presence::ALL {
            let bars = lane.bars.iter().filter(|bar| bar.presence == *presence);
            let lengths = bars.map(|bar| bar.to.as_milliseconds() - bar.from.as_milliseconds());
            let minutes = lengths.sum::<i64>() / MINUTE;
            if minutes > 0 {
                let hours = if minutes < 60 { String::new() } else { format!("{} h ", minutes / 60) };
                parts.push(format!("{} for {hours}{} min", presence.activity(), minutes % 60));
            }
        }
    }
    let parts = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
    format!("{}: {parts}.", name.trim_end())
}

/// Returns the height of a lane with its name.
fn row_height(lane: &Lane) -> i64 {
    LABEL + height(lane) + GAP
}

/// Returns the height of a lane. That of an effective presence is higher.
fn height(lane: &Lane) -> i64 {
    if lane.kind == Kind::Effective { 44 } else { 30 }
}

/// Writes the rectangle of a bar, whose edge is inside, with a gap after it. Its place and width are in
/// tenths of pixels.
fn write_box(out: &mut impl Write, x: i64, y: i64, width: i64, height: i64) -> io::Result<()> {
    let (x, width, height) = (tenths(x + 5), tenths(width - 15), height - 1);
    write!(out, r#"<rect class="bar" x="{x}" y="{y}.5" width="{width}" height="{height}" rx="2"/>"#)
}

/// Writes the sign of a presence, which is not told by its colour alone.
fn write_sign(out: &mut impl Write, presence: Presence, x: i64, y: i64) -> io::Result<()> {
    let (is_disc, ink) = match presence {
        Presence::Offline => (false, "M5.9 5.9l4.2 4.2M10.1 5.9l-4.2 4.2"),
        Presence::Away => (true, "M8 4.4V8l2.4 2"),
        Presence::BeRightBack => (true, "M11 10.6V8.2H5.2M7.3 6 5.1 8.2l2.2 2.2"),
        Presence::AvailableInactive => (false, "M5.2 8.2l2 2 3.7-4"),
        Presence::Available => (true, "M4.8 8.3 7 10.5l4.3-4.6"),
        Presence::InACall => (
            true,
            "M5.3 5.2c-.3 3 2.6 5.8 5.5 5.5l.2-1.5-1.7-.8-.9.9c-.8-.4-1.4-1-1.8-1.8l.9-.9-.8-1.6z",
        ),
        Presence::InAConferenceCall => (true, "M5 8h.1M8 8h.1M11 8h.1"),
        Presence::DoNotDisturb => (true, "M4.8 8h6.4"),
        Presence::Presenting => (true, "M8 11.2V5.2M5.4 7.6 8 5l2.6 2.6"),
        Presence::Busy => (true, ""),
        _ => (false, ""),
    };
    let (shape, radius, class) = if is_disc { ("disc", "7", "ink") } else { ("ring", "6", "ring") };
    write!(out, r#"<g transform="translate({} {y})">"#, tenths(x))?;
    write!(out, r#"<circle class="{shape}" cx="8" cy="8" r="{radius}"/>"#)?;
    if !ink.is_empty() {
        write!(out, r#"<path class="{class}" d="{ink}"/>"#)?;
    }
    write!(out, "</g>")
}

/// Writes a time of day, or a day if a step is at least that long.
fn face(at: i64, step: i64) -> String {
    if step >= DAY * MINUTE {
        let date = Timestamp::from_milliseconds(at).unwrap_or(Timestamp::UNIX_EPOCH).date();
        return date.to_string();
    }
    let minute = at.div_euclid(MINUTE).rem_euclid(DAY);
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Writes a length that is in tenths of pixels.
fn tenths(length: i64) -> String {
    match length % 10 {
        0 => (length / 10).to_string(),
        tenth => format!("{}.{tenth}", length / 10),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
