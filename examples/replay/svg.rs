//! The replay as a picture: a lane for each user. If there is one user, the preference and each session
//! have lanes too.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::mem;

use presence_core::{Command, Presence, Timestamp};

use crate::lanes::{Bar, Lane, Lanes};
use crate::page::fit;
use crate::{Rejection, Report, Update};

/// Lengths are in pixels.
const WIDTH: i64 = 900;
const MARGIN: i64 = 20;
/// Where the lanes start, right of their names.
const LEFT: i64 = 116;
const RIGHT: i64 = WIDTH - 28;
/// Where the first lane starts, below the day and the hours.
const TOP: i64 = 76;
const LANE: i64 = 26;
const GAP: i64 = 8;
const SIGN: i64 = 14;
const LEGEND_ROW: i64 = 24;
const LEGEND_COLUMN: i64 = 188;
const LEGEND_COLUMNS: usize = 4;
/// The base of a text in a lane.
const TEXT: i64 = 17;
/// The width of a letter, at most.
const LETTER: i64 = 8;
/// The width of the name of a lane, in letters.
const NAME: usize = 11;
/// The largest number of times above the lanes.
const MAX_TIMES: i64 = 13;
/// In milliseconds.
const MINUTE: i64 = 60 * 1000;
/// In minutes.
const DAY: i64 = 24 * 60;
/// How many minutes may be between two times.
const STEPS: [i64; 10] = [1, 5, 10, 15, 30, 60, 2 * 60, 6 * 60, 12 * 60, DAY];

const STYLE: &str = "\
.presences{--page:#fff;--track:#f3f3f0;--text:#1d1d1f;--quiet:#5f6066;--line:#e3e3df;--green:#2f7d32;--pale:#cfe8cb;\
--on-pale:#17461a;--red:#b92d3f;--dark-red:#8c1d2f;--dark-red-sign:#8c1d2f;--yellow:#f3bd3c;--on-yellow:#3a2a00;--grey:#6b6d73;\
--pale-grey:#e2e2df}
@media(prefers-color-scheme:dark){.presences{--page:#202226;--track:#292c31;--text:#e8e8ea;--quiet:#a3a5ad;--line:#373a41;\
--green:#3f8f45;--pale:#27492b;--on-pale:#c2e6c2;--red:#c2384b;--dark-red:#9a2740;--dark-red-sign:#d9607a;--yellow:#d9a528;\
--on-yellow:#241a00;--grey:#8b8e96;--pale-grey:#3a3d44}}
.presences text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;\
fill:var(--text)}
.presences .page{fill:var(--page);stroke:var(--line)}
.presences .track{fill:var(--track)}
.presences .line{stroke:var(--text);stroke-opacity:.12}
.presences text.quiet{fill:var(--quiet)}
.presences text.loud{font-weight:600;font-size:13px}
.presences .bar{fill:var(--fill);stroke:var(--page);stroke-width:.6}
.presences .request{fill:var(--text);stroke:var(--page);stroke-width:.6}
.presences .waits .bar{fill:none;stroke:var(--sign);stroke-width:1;stroke-dasharray:4 3}
.presences .on text{fill:var(--on)}
.presences .on,.presences .waits{color:var(--on);--ink:var(--fill)}
.presences .sign{color:var(--sign);--ink:var(--page)}
.presences .waits{color:var(--sign);--ink:var(--page)}
.presences .disc{fill:currentColor}
.presences .ring{fill:none;stroke:currentColor;stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}
.presences .ink{fill:none;stroke:var(--ink);stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
.presences .Available{--fill:var(--green);--on:#fff;--sign:var(--green)}
.presences .AvailableInactive{--fill:var(--pale);--on:var(--on-pale);--sign:var(--green)}
.presences .Away,.presences .BeRightBack{--fill:var(--yellow);--on:var(--on-yellow);--sign:var(--yellow)}
.presences .Busy,.presences .InACall,.presences .InAConferenceCall{--fill:var(--red);--on:#fff;\
--sign:var(--red)}
.presences .DoNotDisturb,.presences .Presenting{--fill:var(--dark-red);--on:#fff;--sign:var(--dark-red-sign)}
.presences .OffWork{--fill:var(--pale-grey);--on:var(--text);--sign:var(--grey)}
.presences .Offline{--fill:none;--on:var(--quiet);--sign:var(--grey)}
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
        let mut users: Vec<_> = mem::take(&mut self.users).into_values().collect();
        for lanes in &mut users {
            lanes.pass(now);
        }
        let lanes = if users.len() == 1 {
            users.into_iter().flat_map(Lanes::into_all).collect()
        } else {
            users.into_iter().map(Lanes::into_effective).collect()
        };
        Picture { first, last, lanes }.write(&mut self.out)?;
        self.out.flush()
    }
}

/// Lanes, and the span of time that they cover.
struct Picture {
    first: Timestamp,
    last: Timestamp,
    lanes: Vec<Lane>,
}

impl Picture {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let bottom = TOP + self.lanes.iter().map(|_| LANE + GAP).sum::<i64>();
        let legend = self.legend();
        let height = bottom + 14 + legend.chunks(LEGEND_COLUMNS).map(|_| LEGEND_ROW).sum::<i64>();
        let shape = format!(r#"viewBox="0 0 {WIDTH} {height}" width="{WIDTH}""#);
        let attributes = r#"class="presences" role="img" style="max-width:100%;height:auto""#;
        writeln!(out, r#"<svg xmlns="http://www.w3.org/2000/svg" {shape} {attributes}>"#)?;
        writeln!(out, "<title>{}</title>", escape(&self.title()))?;
        writeln!(out, "<style>\n{STYLE}</style>")?;
        let (width, height) = (WIDTH - 1, height - 1);
        writeln!(
            out,
            r#"<rect class="page" x=".5" y=".5" width="{width}" height="{height}" rx="10"/>"#
        )?;
        writeln!(out, r#"<text class="loud" x="{MARGIN}" y="34">{}, UTC</text>"#, self.day())?;
        let mut y = TOP;
        for lane in &self.lanes {
            self.write_lane(out, lane, y)?;
            y += LANE + GAP;
        }
        self.write_times(out, bottom)?;
        y += 6;
        for row in legend.chunks(LEGEND_COLUMNS) {
            let mut x = LEFT;
            for presence in row {
                write_legend(out, *presence, x, y)?;
                x += LEGEND_COLUMN;
            }
            y += LEGEND_ROW;
        }
        writeln!(out, "</svg>")
    }

    fn title(&self) -> String {
        let names: Vec<_> =
            self.lanes.iter().map(|lane| fit(&lane.name, NAME).trim_end().to_owned()).collect();
        format!("The presence of {} on {}", names.join(", "), self.day())
    }

    fn day(&self) -> String {
        let (first, last) = (self.first.date(), self.last.date());
        let until = if first == last { String::new() } else { format!(" to {} {last}", last.weekday()) };
        format!("{} {first}{until}", first.weekday())
    }

    /// Returns the presences that are in the picture.
    fn legend(&self) -> Vec<Presence> {
        let bars: Vec<_> = self.lanes.iter().flat_map(|lane| &lane.bars).collect();
        let is_shown = |presence: &Presence| bars.iter().any(|bar| bar.presence == *presence);
        Presence::ALL.iter().copied().filter(is_shown).collect()
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
            let (x, y) = (tenths(self.x(at)), TOP - 12);
            let (top, face) = (TOP - 6, face(at, step));
            writeln!(out, r#"<path class="line" d="M{x} {top}V{bottom}"/>"#)?;
            writeln!(out, r#"<text class="quiet" text-anchor="middle" x="{x}" y="{y}">{face}</text>"#)?;
            at += step;
        }
        Ok(())
    }

    fn write_lane(&self, out: &mut impl Write, lane: &Lane, y: i64) -> io::Result<()> {
        let name = escape(fit(&lane.name, NAME).trim_end());
        writeln!(out, r#"<text class="loud" x="{MARGIN}" y="{}">{name}</text>"#, y + TEXT)?;
        let width = RIGHT - LEFT;
        writeln!(
            out,
            r#"<rect class="track" x="{LEFT}" y="{y}" width="{width}" height="{LANE}" rx="4"/>"#
        )?;
        for bar in &lane.bars {
            self.write_bar(out, bar, y)?;
        }
        for at in &lane.requests {
            let (x, y) = (tenths(self.x(at.as_milliseconds())), y + LANE + 3);
            writeln!(out, r#"<path class="request" d="M{x} {y}m-4 0 4-7 4 7z"/>"#)?;
        }
        Ok(())
    }

    fn write_bar(&self, out: &mut impl Write, bar: &Bar, y: i64) -> io::Result<()> {
        let name = bar.presence.activity().as_str();
        let (start, end) = (self.x(bar.from.as_milliseconds()), self.x(bar.to.as_milliseconds()));
        let (x, width) = (tenths(start), tenths((end - start).max(5)));
        let class = if bar.waits { "waits" } else { "on" };
        write!(out, r#"<g class="{name} {class}">"#)?;
        write!(out, r#"<rect class="bar" x="{x}" y="{y}" width="{width}" height="{LANE}"/>"#)?;
        let letters: i64 = name.bytes().map(|_| LETTER).sum();
        let has_name = end - start >= (SIGN + letters + 18) * 10;
        if end - start >= (SIGN + 4) * 10 {
            let sign_x = if has_name { start + 70 } else { (start + end - SIGN * 10) / 2 };
            write_sign(out, bar.presence, sign_x, y + (LANE - SIGN) / 2)?;
        }
        if has_name {
            let x = tenths(start + (7 + SIGN + 5) * 10);
            write!(out, r#"<text x="{x}" y="{}">{name}</text>"#, y + TEXT)?;
        }
        writeln!(out, "</g>")
    }
}

fn write_legend(out: &mut impl Write, presence: Presence, x: i64, y: i64) -> io::Result<()> {
    let name = presence.activity().as_str();
    write!(out, r#"<g class="{name} sign">"#)?;
    write_sign(out, presence, x * 10, y)?;
    writeln!(out, r#"<text x="{}" y="{}">{name}</text></g>"#, x + SIGN + 5, y + 11)
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
    write!(out, r#"<g transform="translate({} {y})scale(.875)">"#, tenths(x))?;
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
