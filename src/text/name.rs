/// Returns the position of the name that a text has among `names`, without regard to the case of ASCII
/// letters (rule W1).
///
/// Everything that reads names or words of Graph asks here.
#[inline]
pub(crate) fn position(
    text: &str,
    mut names: impl Iterator<Item = &'static str> + Clone,
) -> Option<usize> {
    // Most texts are spelled as Graph does, which is quicker to compare.
    let exact = names.clone().position(|name| name == text);
    exact.or_else(|| names.position(|name| name.eq_ignore_ascii_case(text)))
}
