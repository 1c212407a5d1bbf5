//! Spans of time as manifests and arguments state them: `30d`, `1h30m`.

use std::fmt;
use std::str::FromStr;

/// A span of time, in whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(pub u64);

/// Why a text is no span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a duration is numbers with units, such as 30d, 12h, 1h30m or 90s")]
pub struct SecondsError;

/// The units, the largest first.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];
/// The most digits of one number: nothing overflows, and nobody waits for that many days.
const MOST_DIGITS: usize = 9;

impl FromStr for Seconds {
    type Err = SecondsError;

    fn from_str(text: &str) -> Result<Self, SecondsError> {
        let (mut rest, mut sum) = (text, 0);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, after) = rest.split_at(digits);
            let unit = UNITS.iter().find(|(unit, _)| after.starts_with(*unit));
            let (Some((_, seconds)), true) = (unit, digits <= MOST_DIGITS) else {
                return Err(SecondsError);
            };
            sum += number.parse::<u64>().map_err(|_| SecondsError)? * seconds;
            rest = &after[1..];
        }
        if text.is_empty() {
            Err(SecondsError)
        } else {
            Ok(Self(sum))
        }
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut rest, mut text) = (self.0, String::new());
        for (unit, seconds) in UNITS {
            if rest >= seconds {
                text.push_str(&format!("{}{unit}", rest / seconds));
                rest %= seconds;
            }
        }
        f.pad(if text.is_empty() { "0s" } else { &text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print() {
        let read = |text: &str| text.parse::<Seconds>().map(|s| s.0);
        assert_eq!(read("30d"), Ok(2_592_000));
        assert_eq!(read("1h30m"), Ok(5400));
        assert_eq!(read("0s"), Ok(0));
        for bad in ["", "30", "d", "1w", "1d 2h", "-1d", "1.5h", "9999999999d", "1é"] {
            assert_eq!(read(bad), Err(SecondsError), "{bad}");
        }
        for text in ["30d", "1h30m", "90d12h1s", "0s"] {
            assert_eq!(text.parse::<Seconds>().unwrap().to_string(), text);
        }
    }
}
