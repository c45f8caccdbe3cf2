/// Returns the position of the name that a text has among `names`, without regard to the case of ASCII
/// letters (rule W1).
///
/// Everything that reads names or words of Graph asks here.
#[expect(clippy::inline_always, reason = "the compiler then knows the names of a form")]
#[inline(always)]
pub(crate) fn position(text: &str, names: &[&str]) -> Option<usize> {
    // Most texts are spelled as Graph does, which is quicker to compare.
    match names.iter().position(|name| *name == text) {
        None => position_in_any_case(text, names),
        exact => exact,
    }
}

#[cold]
fn position_in_any_case(text: &str, names: &[&str]) -> Option<usize> {
    names.iter().position(|name| name.eq_ignore_ascii_case(text))
}
