//! Rows of which each column is as wide as its longest text.

use super::wrap::columns;

/// The rows as lines, two spaces between columns and none at the end of a line.
pub fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let wide: Vec<usize> =
        (0..N).map(|column| rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0)).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&wide).map(|(text, wide)| format!("{text}{:1$}", "", wide - columns(text)));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let rows = [["a", "Müller & Söhne", ""], ["beta", "B", "5.00 USD"]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), "a     Müller & Söhne\nbeta  B               5.00 USD\n");
        assert_eq!(aligned::<2>(&[]), "");
    }
}
