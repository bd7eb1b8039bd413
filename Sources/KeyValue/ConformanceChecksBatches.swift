// Checks of reads asked for together, and of loads of sorted input.

import Primitives

/// The number of a bulk load's entry as a key: 8 bytes in key order, behind bytes that neighbours share.
private func bulkKey(_ number: Int) -> [UInt8] {
  if number == 0 { return [] }
  return text("bulk/") + (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
}

private func bulkValue(_ number: Int, _ limits: EngineLimits) -> [UInt8] {
  // Now and then one that is long, and one that is empty.
  let size = number % 97 == 5 ? min(9_000, limits.maximumValueByteCount) : number * 31 % 120
  return (0..<size).map { UInt8(truncatingIfNeeded: $0 &+ number) }
}

/// Adds entries to a load in batches of `size`, and to `state` what was taken.
private func append(
  _ numbers: [Int], batchesOf size: Int, to load: any BulkLoad, _ trial: ConformanceTrial,
  _ state: inout ReferenceState
) throws {
  var start = 0
  while start < numbers.count {
    let end = min(start + size, numbers.count)
    var batch = WriteBatch()
    for number in numbers[start..<end] { batch.put(bulkKey(number), bulkValue(number, trial.limits)) }
    try load.append(batch)
    state.apply(batch, limits: trial.limits)
    start = end
  }
}

let batchChecks: [ConformanceCheck] = [
  ConformanceCheck(
    "batched_reads", "Keys asked for together are answered as one by one: in any order, twice, missing, cold."
  ) { trial in
    try trial.expectValues([])
    try trial.expectValues([text("absent"), [], text("absent")])
    let longest = min(20_000, trial.limits.maximumValueByteCount)
    for start in 0..<3 {
      try trial.apply { batch in
        for number in stride(from: start, to: 1_200, by: 3) {
          let size = number % 50 == 7 ? longest : number % 90
          batch.put(
            text("key \(number * 7_919 % 10_007)"), [UInt8](repeating: UInt8(number & 255), count: size))
        }
      }
    }
    let state = trial.state
    let known = state.entries().map(\.key)
    let snapshot = trial.limits.offersSnapshots ? try trial.engine.makeSnapshot() : nil
    for round in 0..<30 {
      if round == 12 { try trial.apply { $0.deleteRange(text("key 2"), text("key 5")) } }
      if round % 5 == 0 {
        try trial.engine.checkpoint()
        try trial.engine.dropCache()
      }
      var keys: [[UInt8]] = []
      for _ in 0..<(1 << (round % 10)) {
        let key = known[trial.draw(known.count)]
        switch trial.draw(5) {
        case 0: keys.append(key + [0])
        case 1: keys.append([UInt8](key.dropLast()))
        default: keys.append(key)
        }
      }
      if round % 3 == 0 { keys.append(contentsOf: keys.prefix(20)) }
      try trial.expectValues(keys)
      if let snapshot { try trial.expectValues(keys, in: snapshot, state: state) }
    }
  },

  ConformanceCheck(
    "bulk_load",
    "A sorted load is all there at its end and after reopening; one that is let go or refused leaves nothing, "
      + "or whole batches."
  ) { trial in
    var expected = ReferenceState()
    var load = try trial.engine.makeBulkLoad()
    try append(Array(0..<2_500), batchesOf: 130, to: load, trial, &expected)
    try load.finish()
    trial.state = expected
    try trial.expectSame()
    try trial.reopen()
    try trial.expectSame()
    try trial.apply { batch in
      for number in stride(from: 1, to: 2_500, by: 7) { batch.put(bulkKey(number) + [1], text("between")) }
    }
    try trial.expectSame()
    // Into an engine that holds something.
    load = try trial.engine.makeBulkLoad()
    expected = trial.state
    try append(Array(2_000..<3_000), batchesOf: 77, to: load, trial, &expected)
    try load.finish()
    trial.state = expected
  },

  ConformanceCheck(
    "bulk_load_refused",
    "What is out of order, no put or too long is refused, and ends the load; the engine goes on."
  ) { trial in
    func attempt(_ what: String, _ last: (inout WriteBatch) -> Void) throws {
      let before = trial.state
      var taken = before
      let load = try trial.engine.makeBulkLoad()
      try append(Array(10..<40), batchesOf: 10, to: load, trial, &taken)
      try trial.expectRefusal(
        what,
        {
          var batch = WriteBatch()
          last(&batch)
          try load.append(batch)
        },
        accepts: { error in
          switch error {
          case .unsupported, .limitExceeded: true
          default: false
          }
        })
      try trial.expectRefusal(
        "the end of a load that was refused", { try load.finish() },
        accepts: { if case .unsupported = $0 { true } else { false } })
      let found = try trial.engine.entries()
      try trial.expect(
        found == before.entries() || found == taken.entries(),
        "after \(what) the engine holds \(found.count) entries: neither those before nor those taken")
      trial.state = found == before.entries() ? before : taken
    }
    try attempt("an equal key") { $0.put(bulkKey(39), []) }
    try attempt("a smaller key") { $0.put(bulkKey(3), []) }
    try attempt("a smaller key inside a batch") {
      $0.put(bulkKey(41), [])
      $0.put(bulkKey(40), [])
    }
    try attempt("a delete in a bulk load") { $0.delete(bulkKey(41)) }
    let limit = trial.limits.maximumKeyByteCount
    if limit < 1 << 20 {
      try attempt("a key that is too long") { $0.put([UInt8](repeating: 0xFF, count: limit + 1), []) }
    }
    do {
      var taken = trial.state
      let load = try trial.engine.makeBulkLoad()
      try append(Array(50..<90), batchesOf: 40, to: load, trial, &taken)
      withExtendedLifetime(load) {}
      if try trial.engine.entries() == taken.entries() { trial.state = taken }
    }
    try trial.apply { $0.put(text("after"), text("all")) }
    try trial.expectSame()
    try trial.reopen()
  },
]
