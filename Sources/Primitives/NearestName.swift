// "Did you mean": the known name closest to a misspelt one.

/// The number of insertions, deletions, substitutions and swaps of neighbours that turn one word into the other.
///
/// Time and space: O(first.count · second.count), on bytes.
/// Source: F. Damerau, CACM 7(3), 1964 (restricted form: no byte is edited twice).
public func editDistance(_ first: String, _ second: String) -> Int {
  let a = ContiguousArray(first.utf8)
  let b = ContiguousArray(second.utf8)
  if a.isEmpty { return b.count }
  if b.isEmpty { return a.count }
  var beforePrevious = ContiguousArray(repeating: 0, count: b.count + 1)
  var previous = ContiguousArray(0...b.count)
  var current = previous
  for i in 1...a.count {
    current[0] = i
    for j in 1...b.count {
      let substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
      var best = min(previous[j] + 1, current[j - 1] + 1, substitution)
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
        best = min(best, beforePrevious[j - 2] + 1)
      }
      current[j] = best
    }
    (beforePrevious, previous, current) = (previous, current, beforePrevious)
  }
  return previous[b.count]
}

/// The candidate closest to `name`, or nil when none is close (more than half of the longer word would change).
///
/// Letter case and the difference between `-` and `_` do not count. A candidate that begins with `name` (or the other
/// way round) is close. Among equally close candidates the first one wins.
public func nearestName(to name: String, in candidates: some Sequence<String>) -> String? {
  let wanted = folded(name)
  if wanted.isEmpty { return nil }
  var best: (name: String, distance: Int)?
  for candidate in candidates {
    let known = folded(candidate)
    if known == wanted { return candidate }
    let isPrefix = known.hasPrefix(wanted) || (!known.isEmpty && wanted.hasPrefix(known))
    let distance = isPrefix ? 1 : editDistance(wanted, known)
    if !isPrefix && distance * 2 > max(wanted.utf8.count, known.utf8.count) { continue }
    if let best, best.distance <= distance { continue }
    best = (candidate, distance)
  }
  return best?.name
}

private func folded(_ name: String) -> String {
  String(name.lowercased().map { $0 == "_" ? "-" : $0 })
}
