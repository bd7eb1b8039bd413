// Checks of single operations, limits, upserts, range deletes and batches.

import Primitives

/// The bytes of a text, for readable keys.
func text(_ string: String) -> [UInt8] { [UInt8](string.utf8) }

/// Values larger than this are not tried at the very limit: the limit is then nominal.
private let largestTriedValueByteCount = 1 << 24

let basicChecks: [ConformanceCheck] = [
  ConformanceCheck(
    "empty_engine", "A fresh engine finds nothing, scans nothing, verifies and reports its space.",
    needs: .nothing
  ) { trial in
    try trial.expectValue(text("absent"), nil)
    try trial.expectEntries([], in: .all, .forward)
    try trial.expectEntries([], in: .all, .reverse)
    try trial.expectSound()
  },

  ConformanceCheck(
    "declared_limits", "What the descriptor says before opening is what the opened engine says.",
    needs: .nothing
  ) { trial in
    guard let declared = trial.subject.declaredLimits else { return }
    try trial.expect(
      trial.limits == declared, "the engine opens with \(trial.limits), declared was \(declared)")
    if trial.subject.reopen != nil {
      try trial.reopen()
      try trial.expect(
        trial.limits == declared, "the engine reopens with \(trial.limits), declared was \(declared)")
    }
  },

  ConformanceCheck("put_get_overwrite_delete", "The last write of a key is what a get answers.") { trial in
    let key = text("k")
    try trial.expectValue(key, nil)
    for value in [text("one"), text("two, longer"), text(""), text("3")] {
      try trial.apply { $0.put(key, value) }
      try trial.expectValue(key, value)
      try trial.expectValue(text("j"), nil)
      try trial.expectValue(text("k\0"), nil)
      try trial.expectValue([], nil)
    }
    try trial.apply { $0.delete(key) }
    try trial.expectValue(key, nil)
    try trial.apply { $0.delete(key) }
    try trial.expectValue(key, nil)
    try trial.apply { $0.put(key, text("again")) }
    try trial.expectSame()
    try trial.apply { $0.delete(text("never there")) }
    try trial.expectSame()
  },

  ConformanceCheck("empty_key_and_value", "The empty key is the first key; an empty value is not absence.") {
    trial in
    try trial.apply { $0.put([], text("of the empty key")) }
    try trial.apply { $0.put(text("a"), []) }
    try trial.apply { $0.put([0], []) }
    try trial.expectValue([], text("of the empty key"))
    try trial.expectValue(text("a"), [])
    try trial.expectSame()
    try trial.reopen()
    try trial.expectSame()
    try trial.apply { $0.put([], []) }
    try trial.expectValue([], [])
    try trial.expectSame()
    try trial.apply { $0.delete([]) }
    try trial.expectValue([], nil)
  },

  ConformanceCheck("binary_keys", "Keys are unsigned bytes: 0x00, 0x7f, 0x80, 0xff, prefixes and extensions.")
  {
    trial in
    let alphabet: [UInt8] = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff]
    var keys: [[UInt8]] = [[]]
    for first in alphabet {
      keys.append([first])
      for second in alphabet {
        keys.append([first, second])
        keys.append([first, second, 0])
      }
    }
    // A fixed shuffle: every third key, three times round.
    for start in 0..<3 {
      try trial.apply { batch in
        for index in stride(from: start, to: keys.count, by: 3) {
          batch.put(keys[index], keys[index] + [0xaa])
        }
      }
    }
    try trial.expectSame()
    for key in keys { try trial.expectValue(key, key + [0xaa]) }
  },

  ConformanceCheck("value_sizes", "Values of sizes around every power of two come back whole.") { trial in
    var sizes: [Int] = []
    var power = 1
    while power <= 1 << 17 {
      sizes += [power - 1, power, power + 1]
      power *= 2
    }
    sizes = sizes.filter { $0 <= trial.limits.maximumValueByteCount }
    for size in sizes {
      let value = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }
      try trial.apply { $0.put(text("size \(size)"), value) }
    }
    try trial.expectSame()
    try trial.reopen()
    try trial.expectSame()
    for size in sizes where size % 2 == 0 {
      try trial.apply { $0.put(text("size \(size)"), text("small now")) }
    }
    try trial.expectSame()
  },

  ConformanceCheck("limits", "Keys and values at the limit are kept; beyond it both numbers are said.") {
    trial in
    let limits = trial.limits
    try trial.apply { $0.put(text("before"), text("stays")) }
    if limits.maximumKeyByteCount <= largestTriedValueByteCount {
      let longest = [UInt8](repeating: 0x61, count: limits.maximumKeyByteCount)
      try trial.apply { $0.put(longest, text("longest key")) }
      try trial.expectValue(longest, text("longest key"))
      try expectLimitExceeded(trial, given: longest.count + 1, limit: longest.count) { batch in
        batch.put(longest + [0], text("x"))
      }
      try expectLimitExceeded(trial, given: longest.count + 1, limit: longest.count) { batch in
        batch.delete(longest + [0])
      }
    }
    if limits.maximumValueByteCount <= largestTriedValueByteCount {
      let longest = [UInt8](repeating: 0x62, count: limits.maximumValueByteCount)
      try trial.apply { $0.put(text("longest value"), longest) }
      try trial.expectValue(text("longest value"), longest)
      try expectLimitExceeded(trial, given: longest.count + 1, limit: longest.count) { batch in
        batch.put(text("y"), longest + [0])
      }
      try expectLimitExceeded(trial, given: longest.count + 1, limit: longest.count) { batch in
        batch.append(text("y"), longest + [0])
      }
      try expectLimitExceeded(trial, given: longest.count + 1, limit: longest.count) { batch in
        batch.patch(text("y"), offset: UInt32(longest.count), [0])
      }
    }
    try trial.expectSame()
    try trial.reopen()
  },

  ConformanceCheck(
    "null_engine", "An engine that stores nothing accepts everything lawful and finds nothing.",
    needs: .notStoring
  ) { trial in
    let limits = trial.limits
    var batch = WriteBatch()
    batch.put(text("a"), text("b"))
    batch.delete(text("c"))
    batch.add(text("d"), 1)
    batch.append(text("e"), text("f"))
    batch.patch(text("g"), offset: 3, text("h"))
    try trial.engine.apply(batch, sync: true)
    try trial.expectValue(text("a"), nil)
    try trial.expectEntries([], in: .all, .forward)
    if limits.maximumKeyByteCount <= largestTriedValueByteCount {
      try expectLimitExceeded(
        trial, given: limits.maximumKeyByteCount + 1, limit: limits.maximumKeyByteCount
      ) { $0.put([UInt8](repeating: 0, count: limits.maximumKeyByteCount + 1), []) }
    }
    try trial.engine.checkpoint()
    try trial.engine.settle()
    try trial.engine.dropCache()
    try trial.reopen()
    try trial.expectValue(text("a"), nil)
  },
]

/// Expects the batch that `fill` makes, preceded by a lawful put, to be refused whole.
private func expectLimitExceeded(
  _ trial: ConformanceTrial, given: Int, limit: Int, _ fill: (inout WriteBatch) -> Void
) throws {
  try trial.expectRefusal("a batch beyond a limit") {
    var batch = WriteBatch()
    batch.put(text("lawful, but in a refused batch"), text("must not appear"))
    fill(&batch)
    try trial.engine.apply(batch, sync: false)
  } accepts: { error in
    guard case .limitExceeded(_, let saidGiven, let saidLimit) = error else { return false }
    return saidGiven == given && saidLimit == limit
  }
  try trial.expectValue(text("lawful, but in a refused batch"), nil)
}
