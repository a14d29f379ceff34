//! What is asked for on the command line.

use std::path::PathBuf;

pub struct Options {
    pub rounds: usize,
    /// Seconds that each of fio's timed jobs runs; a database runs twice as long.
    pub seconds: u64,
    /// Only these, when there are any.
    pub sides: Vec<String>,
    pub works: Vec<String>,
    pub json: Option<PathBuf>,
}

impl Options {
    pub fn of_arguments() -> Self {
        let mut options =
            Self { rounds: 5, seconds: 8, sides: Vec::new(), works: Vec::new(), json: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value =
                || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => {}
                "--rounds" => options.rounds = value().parse().expect("--rounds N"),
                "--seconds" => options.seconds = value().parse().expect("--seconds N"),
                "--sides" => options.sides = list(&value()),
                "--works" => options.works = list(&value()),
                "--json" => options.json = Some(value().into()),
                _ => panic!("unknown argument {argument}"),
            }
        }
        options
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}
