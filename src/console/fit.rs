//! Text on a screen that is narrower than the text: charts are squeezed, tables stand in blocks of columns below one
//! another, everything else is broken between words. What is logged, piped or compared keeps its own width.

/// The least width that is worth an effort.
const LEAST: usize = 40;
/// What a table has at least.
const LEAST_COLUMNS: usize = 4;
/// Axes of charts.
const AXES: [char; 2] = ['┤', '└'];

/// The text within so many columns.
pub fn fit(text: &str, width: usize) -> String {
    let width = width.max(LEAST);
    let lines: Vec<Vec<char>> = text.split('\n').map(|line| line.chars().collect()).collect();
    let mut shown: Vec<String> = Vec::new();
    let mut place = 0;
    while place < lines.len() {
        let rest = &lines[place..];
        let taken = match (chart(rest), rest[0].len() <= width) {
            (Some((axis, rows)), _) => {
                squeeze(&rest[..rows], axis, width, &mut shown);
                rows
            }
            (None, true) => {
                shown.push(rest[0].iter().collect());
                1
            }
            (None, false) => match table(rest) {
                Some((starts, rows)) => {
                    match starts.last() {
                        // Where only the last column stands out, it is broken like any text.
                        Some(last) if *last <= width * 2 / 3 => {
                            rest[..rows].iter().for_each(|row| hang(row, width, *last, &mut shown));
                        }
                        _ => in_blocks(&rest[..rows], &starts, width, &mut shown),
                    }
                    rows
                }
                None => {
                    wrap(&rest[0], width, &mut shown);
                    1
                }
            },
        };
        place += taken;
    }
    shown.join("\n")
}

fn axis_of(line: &[char]) -> Option<usize> {
    line.iter().position(|c| AXES.contains(c))
}

/// The column of the axis of a chart that begins here, and its lines, those of the times under it included.
fn chart(lines: &[Vec<char>]) -> Option<(usize, usize)> {
    let axis = axis_of(&lines[0])?;
    let rows = lines.iter().take_while(|line| axis_of(line) == Some(axis)).count();
    let under = lines.get(rows).is_some_and(|line| axis < line.len() && line[..axis].iter().all(|c| *c == ' '));
    Some((axis, rows + usize::from(under)))
}

fn squeeze(rows: &[Vec<char>], axis: usize, width: usize, shown: &mut Vec<String>) {
    let drawn = rows.iter().map(Vec::len).max().unwrap_or_default();
    if drawn <= width || width <= axis + 1 {
        return shown.extend(rows.iter().map(|row| row.iter().collect::<String>()));
    }
    let (from, columns, room) = (axis + 1, drawn - axis - 1, width - axis - 1);
    for row in rows {
        if axis_of(row).is_none() {
            shown.push(times(row, |place| (place.saturating_sub(from) * room).div_ceil(columns) + from.min(place)));
            continue;
        }
        let at = |place: usize| row.get(from + place).copied().unwrap_or(' ');
        let mark = |column: usize| {
            let of = column * columns / room..((column + 1) * columns / room).max(column * columns / room + 1);
            of.clone().map(at).find(|c| !" ╌─".contains(*c)).unwrap_or_else(|| at(of.start))
        };
        let line: String = row[..from].iter().copied().chain((0..room).map(mark)).collect();
        shown.push(line.trim_end().to_string());
    }
}

/// The words of a line where their ends, or the first word's beginning, come to lie.
fn times(row: &[char], to: impl Fn(usize) -> usize) -> String {
    let line: String = row.iter().collect();
    let mut shown = String::new();
    let mut before = 0;
    for word in line.split("  ").map(str::trim).filter(|word| !word.is_empty()) {
        let Some(found) = line[before..].find(word) else { continue };
        let begin = before + found;
        let end = begin + word.len();
        let start = if before == 0 { to(begin) } else { to(end).saturating_sub(word.len()) };
        let gap = start.saturating_sub(shown.len()).max(usize::from(before != 0));
        shown.extend(std::iter::repeat_n(' ', gap));
        shown.push_str(word);
        before = end;
    }
    shown
}

/// Where the columns of a table begin whose heading this is, and how many lines it has.
fn table(lines: &[Vec<char>]) -> Option<(Vec<usize>, usize)> {
    let blank = |line: &[char], place: usize| line.get(place).is_none_or(|c| *c == ' ');
    let head = &lines[0];
    let begins = |place: &usize| {
        !blank(head, *place) && (*place == 0 || (2 <= *place && blank(head, place - 1) && blank(head, place - 2)))
    };
    let heads: Vec<usize> = (0..head.len()).filter(begins).collect();
    let second = *heads.get(1)?;
    let is_row = |line: &&Vec<char>| second < line.len() && blank(line, second - 1) && blank(line, second - 2);
    let rows = lines.iter().take_while(is_row).count();
    let apart = |place: &usize| lines[..rows].iter().all(|line| *place == 0 || blank(line, place - 1));
    let starts: Vec<usize> = heads.into_iter().filter(apart).collect();
    (1 < rows && LEAST_COLUMNS <= starts.len() && starts[0] == 0).then_some((starts, rows))
}

/// The first column with as many others as have room, again and again.
fn in_blocks(rows: &[Vec<char>], starts: &[usize], width: usize, shown: &mut Vec<String>) {
    let end = rows.iter().map(Vec::len).max().unwrap_or_default();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([end]).collect();
    let key = ends[0];
    let mut column = 1;
    while column < starts.len() {
        let first = column;
        column += 1;
        while column < starts.len() && key + ends[column] - starts[first] <= width {
            column += 1;
        }
        let (from, to) = (starts[first], ends[column - 1]);
        for row in rows {
            let part = |from: usize, to: usize| row.iter().skip(from).take(to - from).collect::<String>();
            shown.push(format!("{}{}", part(0, key), part(from, to)).trim_end().to_string());
        }
    }
}

/// Breaks a line between words; what follows stands under where its text began.
fn wrap(line: &[char], width: usize, shown: &mut Vec<String>) {
    let lead = line.iter().take_while(|c| **c == ' ').count();
    let gap = line.windows(3).enumerate().skip(lead).find(|(_, w)| w[0] == ' ' && w[1] == ' ' && w[2] != ' ');
    let under = match gap {
        Some((place, _)) if place + 2 <= width / 2 => place + 2,
        _ if line.starts_with(&['>', '>', ' ']) => 3,
        _ => lead.min(width / 2),
    };
    hang(line, width, under, shown);
}

/// Breaks a line between words; what follows is indented by so many columns, and nothing before them is broken.
fn hang(line: &[char], width: usize, under: usize, shown: &mut Vec<String>) {
    let mut rest = line;
    let mut indent = 0;
    while width < rest.len() + indent {
        let room = width - indent;
        let least = if indent == 0 { under } else { 0 };
        let (end, next) = match rest[..=room].iter().rposition(|c| *c == ' ').filter(|place| least < *place) {
            Some(space) => (space, space + 1),
            None => (room, room),
        };
        let text: String = rest[..end].iter().collect();
        shown.push(format!("{:indent$}{}", "", text.trim_end()));
        rest = &rest[next..];
        let spaces = rest.iter().take_while(|c| **c == ' ').count();
        rest = &rest[spaces..];
        indent = under;
    }
    if !rest.is_empty() {
        shown.push(format!("{:indent$}{}", "", rest.iter().collect::<String>()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_kept_whole_and_stand_under_their_text() {
        let said = ">> 14:07:30 PAGE INC-4127: first tokens late, requests far above normal";
        assert_eq!(fit(said, 44), ">> 14:07:30 PAGE INC-4127: first tokens\n   late, requests far above normal");
        let help = "  sev 1|2|3|4          how bad it is, for everybody who waits to hear";
        assert_eq!(
            fit(help, 50),
            "  sev 1|2|3|4          how bad it is, for\n                       everybody who waits to hear"
        );
        assert_eq!(fit("short\n\nlines", 50), "short\n\nlines");
    }

    #[test]
    fn a_table_stands_in_blocks() {
        let head = "row  time      status  pool        gateway    error";
        let row = "1    14:07:30  499     agents-70b  gateway-0  closed";
        let blocks = "row  time      status  pool\n1    14:07:30  499     agents-70b\n\
                      row  gateway    error\n1    gateway-0  closed\n1 row";
        assert_eq!(fit(&format!("{head}\n{row}\n1 row"), 40), blocks);
    }

    #[test]
    fn a_last_column_of_text_is_broken() {
        let head = "CHG-75452  14:07:30  flag    web";
        let row = "  flag new_usage_chart: 10% to 50%";
        let line = format!("{head}{row}");
        let broken = format!("{head}  flag\n{:34}new_usage_chart:\n{:34}10% to 50%", "", "");
        assert_eq!(fit(&format!("{line}\n{line}"), 51), format!("{broken}\n{broken}"));
    }

    #[test]
    fn a_chart_is_squeezed_with_its_times() {
        let chart =
            format!("   10 ┤{:80}••••\n    0 ┤••••\n      └{}\n       14:00:00{:68}14:15:00", "", "─".repeat(84), "");
        let squeezed = fit(&chart, 49);
        let lines: Vec<&str> = squeezed.lines().collect();
        assert_eq!(lines[0].chars().count(), 49);
        assert!(lines[0].ends_with("••") && lines[1] == "    0 ┤••", "{squeezed}");
        assert_eq!(lines[3], format!("       14:00:00{:26}14:15:00", ""));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_stands_out(text in "[a-z ]{0,200}(\n[a-z  ]{0,200}){0,3}", width in 40usize..120) {
            let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
            let shown = fit(&text, width);
            if text.lines().all(|line| line.matches("  ").count() < 3) {
                prop_assert_eq!(letters(&shown), letters(&text));
                prop_assert!(shown.lines().all(|line| line.chars().count() <= width), "{}", shown);
            }
        }

        #[test]
        fn any_text_can_be_shown(text in "[ ┤└•─a-z\n]{0,400}", width in 0usize..120) {
            fit(&text, width);
        }
    }
}
