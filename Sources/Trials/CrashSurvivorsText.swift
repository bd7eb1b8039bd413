// Survivor sets as one writes them in a command: "none", "all", "prefix:12", "only:3,7-9", "but:4", "seeded:77".

import Storage

extension CrashSurvivors {
  /// The one-word form.
  public var spelling: String {
    switch self {
    case .none: "none"
    case .all: "all"
    case .prefix(let count): "prefix:\(count)"
    case .only(let chosen): "only:" + spelledNumbers(chosen)
    case .allBut(let dropped): "but:" + spelledNumbers(dropped)
    case .seeded(let seed): "seeded:\(seed)"
    }
  }

  /// Reads the one-word form; nil when it is none.
  public init?(spelling: String) {
    let parts = spelling.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let word = parts[0]
    let rest = parts.count == 2 ? String(parts[1]) : nil
    switch (word, rest) {
    case ("none", nil): self = .none
    case ("all", nil): self = .all
    case ("prefix", let text?):
      guard let count = Int(text) else { return nil }
      self = .prefix(count)
    case ("only", let text?):
      guard let chosen = readNumbers(text) else { return nil }
      self = .only(chosen)
    case ("but", let text?):
      guard let dropped = readNumbers(text) else { return nil }
      self = .allBut(dropped)
    case ("seeded", let text?):
      guard let seed = UInt64(text) else { return nil }
      self = .seeded(seed)
    default: return nil
    }
  }
}

/// Ascending numbers with runs joined: "1-3,7".
public func spelledNumbers(_ numbers: [Int]) -> String {
  var parts: [String] = []
  var index = 0
  let sorted = numbers.sorted()
  while index < sorted.count {
    var end = index
    while end + 1 < sorted.count && sorted[end + 1] == sorted[end] + 1 { end += 1 }
    parts.append(end == index ? "\(sorted[index])" : "\(sorted[index])-\(sorted[end])")
    index = end + 1
  }
  return parts.joined(separator: ",")
}

/// Reads what `spelledNumbers` wrote; nil when it is something else. At most a million numbers.
public func readNumbers(_ text: String) -> [Int]? {
  if text.isEmpty { return [] }
  var numbers: [Int] = []
  for part in text.split(separator: ",", omittingEmptySubsequences: false) {
    let ends = part.split(separator: "-", omittingEmptySubsequences: false)
    guard let first = Int(ends[0]), ends.count <= 2 else { return nil }
    if ends.count == 1 {
      numbers.append(first)
      continue
    }
    guard let last = Int(ends[1]), last >= first, last - first < 1_000_000 else { return nil }
    numbers.append(contentsOf: first...last)
  }
  return numbers
}
