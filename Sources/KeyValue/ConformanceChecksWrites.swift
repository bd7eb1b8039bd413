// Checks of upserts, range deletes and batches.

import Primitives

/// One write on one key, for exhaustive sequences.
private enum SingleWrite: CaseIterable {
  case put, delete, add, append, patchInside, patchBeyond

  func write(_ key: [UInt8], to batch: inout WriteBatch, salt: Int) {
    let byte = UInt8(truncatingIfNeeded: 0x41 + salt)
    switch self {
    case .put: batch.put(key, [byte, byte, byte])
    case .delete: batch.delete(key)
    case .add: batch.add(key, salt % 2 == 0 ? 0x0102_0304_0506_0708 : -1)
    case .append: batch.append(key, [byte, byte])
    case .patchInside: batch.patch(key, offset: 1, [byte])
    case .patchBeyond: batch.patch(key, offset: 11, [byte, byte])
    }
  }
}

let writeChecks: [ConformanceCheck] = [
  ConformanceCheck(
    "upserts_compose",
    "Every sequence of three writes of any kinds, from every starting value, in one batch and in three."
  ) { trial in
    let starts: [[UInt8]?] = [nil, [], [1], [255, 255, 255, 255, 255, 255, 255, 255], [UInt8](1...12)]
    let kinds = SingleWrite.allCases
    for together in [true, false] {
      var sequences: [(key: [UInt8], start: [UInt8]?, writes: [SingleWrite])] = []
      for start in starts {
        for first in kinds {
          for second in kinds {
            for third in kinds {
              let number = sequences.count
              let key = text(together ? "t" : "s") + [UInt8(number / 256), UInt8(number % 256)]
              sequences.append((key, start, [first, second, third]))
            }
          }
        }
      }
      try trial.apply { batch in
        for sequence in sequences { if let start = sequence.start { batch.put(sequence.key, start) } }
      }
      if together {
        try trial.apply { batch in
          for sequence in sequences {
            for (salt, write) in sequence.writes.enumerated() {
              write.write(sequence.key, to: &batch, salt: salt)
            }
          }
        }
      } else {
        for salt in 0..<3 {
          try trial.apply { batch in
            for sequence in sequences { sequence.writes[salt].write(sequence.key, to: &batch, salt: salt) }
          }
        }
      }
      for sequence in sequences {
        try trial.expectValue(sequence.key, trial.state.value(for: sequence.key))
      }
    }
    try trial.expectSame()
    try trial.engine.settle()
    try trial.reopen()
  },

  ConformanceCheck("add_wraps_and_keeps_the_tail", "Adds wrap at 64 bits and leave bytes after the eighth.") {
    trial in
    try trial.apply { $0.add(text("fresh"), 5) }
    try trial.expectValue(text("fresh"), [5, 0, 0, 0, 0, 0, 0, 0])
    try trial.apply { $0.add(text("fresh"), -6) }
    try trial.expectValue(text("fresh"), [UInt8](repeating: 255, count: 8))
    try trial.apply { $0.add(text("fresh"), 1) }
    try trial.expectValue(text("fresh"), [UInt8](repeating: 0, count: 8))
    try trial.apply { $0.put(text("tail"), [255, 0, 0, 0, 0, 0, 0, 0, 9, 8, 7]) }
    try trial.apply { $0.add(text("tail"), 1) }
    try trial.expectValue(text("tail"), [0, 1, 0, 0, 0, 0, 0, 0, 9, 8, 7])
    try trial.apply { $0.put(text("two"), [255, 255]) }
    try trial.apply { $0.add(text("two"), 1) }
    try trial.expectValue(text("two"), [0, 0, 1, 0, 0, 0, 0, 0])
  },

  ConformanceCheck(
    "append_stops_at_the_limit", "An append that would exceed the value limit changes nothing."
  ) {
    trial in
    let limit = trial.limits.maximumValueByteCount
    guard limit >= 8, limit <= 1 << 20 else { return }
    try trial.apply { $0.put(text("full"), [UInt8](repeating: 1, count: limit - 3)) }
    try trial.apply { $0.append(text("full"), [2, 2]) }
    try trial.apply { $0.append(text("full"), [3, 3]) }
    try trial.apply { $0.append(text("full"), [4]) }
    try trial.apply { $0.append(text("full"), [5]) }
    try trial.expectValue(text("full"), [UInt8](repeating: 1, count: limit - 3) + [2, 2, 4])
  },

  ConformanceCheck("empty_operands", "Appending or patching nothing still makes a missing key present.") {
    trial in
    try trial.apply { $0.append(text("appended"), []) }
    try trial.expectValue(text("appended"), [])
    try trial.apply { $0.patch(text("patched"), offset: 0, []) }
    try trial.expectValue(text("patched"), [])
    try trial.apply { $0.patch(text("stretched"), offset: 5, []) }
    try trial.expectValue(text("stretched"), [0, 0, 0, 0, 0])
    try trial.apply { $0.patch(text("stretched"), offset: 2, []) }
    try trial.expectValue(text("stretched"), [0, 0, 0, 0, 0])
    try trial.reopen()
  },

  ConformanceCheck(
    "range_delete",
    "Exactly the keys of [start, end) go; empty and inverted ranges remove nothing; or all are refused."
  ) { trial in
    let names = ["", "a", "a\0", "aa", "ab", "b", "ba", "c"]
    let keys = names.map(text)
    if !trial.limits.offersRangeDelete {
      try trial.apply { $0.put(text("a"), text("1")) }
      try trial.expectRefusal("a range delete") {
        var batch = WriteBatch()
        batch.put(text("b"), text("2"))
        batch.deleteRange(text("a"), text("z"))
        try trial.engine.apply(batch, sync: false)
      } accepts: { error in
        if case .unsupported = error { return true }
        return false
      }
      return
    }
    let bounds = keys + [text("a\u{1}"), text("bb"), [0xff]]
    for start in bounds {
      for end in bounds {
        try trial.apply { batch in for key in keys { batch.put(key, key + [1]) } }
        try trial.apply { $0.deleteRange(start, end) }
        try trial.expectEntries(trial.state.entries(), in: .all, .forward)
        try trial.expectValue(start, trial.state.value(for: start))
      }
    }
    // Order inside one batch: what is put before the range goes, what is put after stays.
    try trial.apply { batch in
      batch.put(text("a"), text("before"))
      batch.put(text("b"), text("before"))
      batch.deleteRange(text("a"), text("c"))
      batch.put(text("b"), text("after"))
      batch.append(text("a"), text("anew"))
    }
    try trial.expectValue(text("a"), text("anew"))
    try trial.expectValue(text("b"), text("after"))
    // The whole key space.
    try trial.load(500, key: { text("key \($0)") }, value: { text("value \($0)") })
    try trial.apply {
      $0.deleteRange([], [UInt8](repeating: 0xff, count: min(8, trial.limits.maximumKeyByteCount)))
    }
    try trial.expectEntries([], in: .all, .forward)
    try trial.expectSame()
    try trial.apply { $0.put(text("after all"), text("there")) }
    try trial.reopen()
  },

  ConformanceCheck("batch_order", "Operations of one batch take effect in order, also on the same key.") {
    trial in
    try trial.apply { batch in
      for round in 0..<50 {
        batch.put(text("same"), text("round \(round)"))
        batch.put(text("key \(round % 7)"), text("\(round)"))
        if round % 3 == 0 { batch.delete(text("same")) }
        if round % 5 == 0 { batch.delete(text("key \(round % 7)")) }
      }
    }
    try trial.expectSame()
    try trial.apply { batch in
      batch.put(text("gone"), text("x"))
      batch.delete(text("gone"))
      batch.delete(text("same"))
      batch.put(text("same"), text("back"))
    }
    try trial.expectValue(text("gone"), nil)
    try trial.expectValue(text("same"), text("back"))
  },

  ConformanceCheck("empty_batch", "A batch of nothing is accepted, synced or not.", needs: .nothing) {
    trial in
    try trial.apply { _ in }
    try trial.apply(sync: true) { _ in }
    try trial.expectSound()
  },

  ConformanceCheck("large_batch", "A batch of thousands of operations is one atom like any other.") { trial in
    let count = min(5_000, trial.limits.maximumBatchOperationCount)
    try trial.apply { batch in
      for index in 0..<count {
        let number = index &* 7_919 % count
        batch.put(text("key \(number)"), text("value \(index)"))
        if index % 11 == 0 { batch.delete(text("key \(number / 2)")) }
      }
    }
    try trial.expectSame()
    try trial.reopen()
    let most = trial.limits.maximumBatchOperationCount
    if most <= 1 << 16 {
      try trial.expectRefusal("a batch of too many operations") {
        var batch = WriteBatch()
        for _ in 0...most { batch.put(text("one too many"), []) }
        try trial.engine.apply(batch, sync: false)
      } accepts: {
        $0 == .limitExceeded(what: "batch operation count", given: most + 1, limit: most)
      }
    }
  },

  ConformanceCheck(
    "ordered_loads",
    "Ascending, descending and interleaved loads, then deletion from both ends, leave nothing."
  ) { trial in
    func key(_ number: Int) -> [UInt8] {
      text("a prefix that all keys share/") + [UInt8(number / 256), UInt8(number % 256)]
    }
    let value: (Int) -> [UInt8] = { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: $0 % 50) }
    try trial.load(600, key: { key($0) }, value: value)
    try trial.load(600, key: { key(1_799 - $0) }, value: value)
    try trial.load(600, key: { key(600 + $0 &* 7 % 600) }, value: value)
    try trial.expectSame()
    for start in stride(from: 0, to: 900, by: 100) {
      try trial.apply { batch in
        for index in start..<(start + 100) {
          batch.delete(key(index))
          batch.delete(key(1_799 - index))
        }
      }
    }
    try trial.expectEntries([], in: .all, .forward)
    try trial.expectSame()
  },
]
