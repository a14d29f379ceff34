//! Tables as people read them: columns as wide as their widest cell, one header line.

use super::escape;
use super::time;
use crate::service::protocol::{CategoryRow, LocationRow, RuleRow, SlotRow};
use std::path::Path;

/// The rules, with `E` for an encrypted process and `!` for a fingerprint that no longer holds.
pub fn rules(rows: &[RuleRow]) -> String {
    let header = ["#", "-", "Type", "Category", "Path", "Process"].map(str::to_owned);
    let mut cells = vec![header];
    cells.extend(rows.iter().map(|row| {
        let process = format!("{} {}", row.process, row.parameters);
        [
            row.number.to_string(),
            mark(row),
            escape::text(&row.effect),
            escape::text(&row.category),
            escape::text(&row.path),
            escape::text(process.trim_end()),
        ]
    }));
    aligned(&cells, &[1, 2, 2, 3, 3, 0])
}

/// What taking new fingerprints would change.
pub fn changes(rows: &[[String; 7]]) -> String {
    let header = ["#", "File", "SHA-256 was", "is now", "Package was", "is now", "As shipped"]
        .map(str::to_owned);
    let cells: Vec<_> = std::iter::once(header).chain(rows.iter().cloned()).collect();
    aligned(&cells, &[2, 3, 3, 3, 3, 3, 0])
}

/// The locations.
pub fn locations(rows: &[LocationRow]) -> String {
    let mut cells = vec![["Category", "State", "Path"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        [escape::text(&row.category), escape::text(&row.state), escape::path(Path::new(&row.path))]
    }));
    aligned(&cells, &[3, 3, 0])
}

/// What opens the keystore.
pub fn slots(rows: &[SlotRow]) -> String {
    let mut cells = vec![["#", "Kind", "Name", "Rights", "Added", "Key"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let rights = if row.administrator { "all" } else { "start" };
        let bits = row.rsa_bits.map_or(String::new(), |bits| format!("{bits} bits, "));
        let key = row.rsa_sha256.as_ref().map(|hash| format!("{bits}SHA-256 {hash}"));
        [
            row.number.to_string(),
            escape::text(&row.kind),
            escape::text(&row.name),
            rights.into(),
            row.added.map_or_else(|| "-".into(), time::day),
            key.unwrap_or_default(),
        ]
    }));
    aligned(&cells, &[2, 3, 3, 3, 3, 0])
}

/// The keys of each category, by their epochs.
pub fn categories(rows: &[CategoryRow]) -> String {
    let mut cells = vec![["Category", "Key", "Older keys", "Id"].map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let older = row.epochs.iter().filter(|epoch| **epoch != row.current);
        let older: Vec<String> = older.map(u32::to_string).collect();
        let older = if older.is_empty() { "none".into() } else { older.join(", ") };
        [escape::text(&row.category), row.current.to_string(), older, row.id.clone()]
    }));
    aligned(&cells, &[3, 3, 3, 0])
}

/// A guard's policy, under a header.
pub fn policy(rows: Vec<[String; 3]>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let header = ["Subject", "Treatment", "To"].map(str::to_owned);
    let cells: Vec<_> = std::iter::once(header).chain(rows).collect();
    aligned(&cells, &[3, 3, 0])
}

/// Names and values, without a header.
pub fn plain(rows: &[[String; 2]]) -> String {
    aligned(rows, &[3, 0])
}

fn mark(row: &RuleRow) -> String {
    let marks = [(row.encrypted, 'E'), (row.tainted, '!')];
    marks.into_iter().filter_map(|(holds, mark)| holds.then_some(mark)).collect()
}

/// Lines of cells, each column followed by its gap; the last one is not filled up.
fn aligned<const N: usize>(rows: &[[String; N]], gaps: &[usize; N]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line += &format!("{cell:<0$}", widths[column] + gaps[column]);
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(number: usize, words: [&str; 3], encrypted: bool, tainted: bool) -> RuleRow {
        let [category, path, process] = words.map(str::to_owned);
        let (effect, parameters, sha256) = ("ALLOW".into(), String::new(), String::new());
        RuleRow {
            number,
            effect,
            category,
            path,
            process,
            parameters,
            sha256,
            encrypted,
            tainted,
            package: None,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn the_rules_are_listed_as_the_manual_shows_them() {
        let inside = "/var/lib/ezncrypt/ezncrypted/protected/usr/sbin/mysqld";
        let rows = [
            rule(1, ["@mysql", "*", inside], true, false),
            rule(2, ["@protected", "/usr/sbin/mysqld", "/usr/sbin/mysqld-guard"], false, false),
        ];
        let expected = "\
# -  Type   Category     Path               Process
1 E  ALLOW  @mysql       *                  /var/lib/ezncrypt/ezncrypted/protected/usr/sbin/mysqld
2    ALLOW  @protected   /usr/sbin/mysqld   /usr/sbin/mysqld-guard
";
        assert_eq!(rules(&rows), expected);
    }

    #[test]
    fn both_marks_fit_and_a_name_cannot_forge_a_row() {
        let rows = [rule(10, ["@c", "*", "/p\n1 E"], true, true)];
        let expected =
            "#  -   Type   Category   Path   Process\n10 E!  ALLOW  @c         *      /p\\n1 E\n";
        assert_eq!(rules(&rows), expected);
    }

    #[test]
    fn locations_are_aligned() {
        let row = |category: &str, path: &str| LocationRow {
            category: category.into(),
            path: path.into(),
            state: "encrypted".into(),
        };
        let expected = "\
Category   State       Path
@c         encrypted   /a
@longer    encrypted   /b
";
        assert_eq!(locations(&[row("@c", "/a"), row("@longer", "/b")]), expected);
    }
}
