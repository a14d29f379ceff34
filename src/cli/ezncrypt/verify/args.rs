//! The arguments of `ezncrypt verify`.

use crate::cli::size;
use crate::service::protocol::Subset;
use crate::service::verification::MAX_THREADS;
use clap::builder::RangedU64ValueParser;
use std::ffi::OsString;

/// What `ezncrypt verify` takes.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// What to look at: categories, as in @mysql, and files or directories; everything when none is given
    #[arg(value_name = "@CATEGORY|PATH")]
    pub targets: Vec<OsString>,

    /// Looks at part N of M of the files only; every file is in one part, the same each time
    #[arg(long, value_name = "N/M", value_parser = subset)]
    pub subset: Option<Subset>,

    /// Reads at most so many bytes a second, as in 20M; 0 or unlimited for no limit
    #[arg(long, value_name = "BYTES", value_parser = size::rate, default_value = "unlimited")]
    pub rate: u64,

    /// Reads by N threads [default: one for each processor]
    #[arg(long, value_name = "N")]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_THREADS as u64))]
    pub threads: Option<usize>,

    /// Lists holes, too: an erased sector looks like one in a file that may have holes
    #[arg(long)]
    pub holes: bool,

    /// Tells the result as JSON
    #[arg(long)]
    pub json: bool,

    /// Says what it would mend, asks, and mends that; asks for the secret of an administrator
    #[arg(long)]
    pub repair: bool,

    /// With --repair, puts zeros in the place of sectors that do not verify: for databases that repair
    /// pages from a journal of their own
    #[arg(long, requires = "repair")]
    pub zero_torn: bool,

    /// With --repair, does not ask
    #[arg(long, requires = "repair")]
    pub yes: bool,
}

/// What is wrong with a subset as typed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a subset is N/M with N from 1 to M, as in 1/4")]
pub struct NoSubset;

fn subset(typed: &str) -> Result<Subset, NoSubset> {
    let (part, of) = typed.split_once('/').ok_or(NoSubset)?;
    let number = |digits: &str| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u32>().ok().filter(|_| plain).ok_or(NoSubset)
    };
    let subset = Subset { part: number(part)?, of: number(of)? };
    if (1..=subset.of).contains(&subset.part) { Ok(subset) } else { Err(NoSubset) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subset_is_a_part_of_so_many() {
        assert_eq!(subset("2/4"), Ok(Subset { part: 2, of: 4 }));
        assert_eq!(subset("1/1"), Ok(Subset { part: 1, of: 1 }));
        for typed in ["", "1", "/", "0/4", "5/4", "1/0", "-1/4", "+1/4", "1/4/4", "a/b", "1 / 4"] {
            assert_eq!(subset(typed), Err(NoSubset), "{typed}");
        }
    }
}
