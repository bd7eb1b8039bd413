// Checks of the phase verbs, of closing and reopening, of readers, and the long model-based runs.

import Primitives

let lifeChecks: [ConformanceCheck] = [
  ConformanceCheck("phase_verbs", "checkpoint, settle, dropCache and reopen change no answer, in any order.")
  { trial in
    let verbs: [(name: String, run: (ConformanceTrial) throws -> Void)] = [
      ("checkpoint", { try $0.engine.checkpoint() }),
      ("settle", { try $0.engine.settle() }),
      ("dropCache", { try $0.engine.dropCache() }),
      ("reopen", { try $0.reopen() }),
    ]
    // On the empty engine first.
    for verb in verbs { try verb.run(trial) }
    try trial.expectSame()
    var number = 0
    for first in verbs {
      for second in verbs {
        try trial.apply(sync: number % 4 == 0) { batch in
          for _ in 0..<40 {
            number += 1
            batch.put(text("key \(number &* 17 % 211)"), text("value \(number)"))
            if number % 6 == 0 { batch.delete(text("key \(number &* 5 % 211)")) }
            if number % 9 == 0 { batch.append(text("key \(number &* 3 % 211)"), text("!")) }
          }
        }
        try first.run(trial)
        try second.run(trial)
        try trial.expectSame()
      }
    }
  },

  ConformanceCheck("synced_batches", "Syncing each batch changes nothing but durability.") { trial in
    for number in 0..<60 {
      try trial.apply(sync: true) { $0.put(text("key \(number % 23)"), text("value \(number)")) }
      try trial.expectValue(text("key \(number % 23)"), text("value \(number)"))
    }
    try trial.reopen()
    try trial.expectSame()
  },

  ConformanceCheck("reopen_often", "Thirty lives of a few writes each add up.") { trial in
    for life in 0..<30 {
      try trial.apply { batch in
        for number in 0..<10 { batch.put(text("life \(life) \(number)"), text("\(life &* number)")) }
        if life > 3 { batch.delete(text("life \(life - 3) 4")) }
      }
      try trial.reopen()
      if life % 5 == 0 { try trial.expectSame() }
    }
  },

  ConformanceCheck("closed_engine", "After close every call throws .storage(.closed).", needs: .nothing) {
    trial in
    try trial.apply { $0.put(text("a"), text("b")) }
    try trial.close()
    let engine = trial.engine
    let calls: [(name: String, call: () throws -> Void)] = [
      ("get", { _ = try engine.get(text("a").span.bytes) { _ in } }),
      ("makeCursor", { _ = try engine.makeCursor(.all, .forward) }),
      (
        "apply",
        {
          var batch = WriteBatch()
          batch.put(text("a"), text("c"))
          try engine.apply(batch, sync: true)
        }
      ),
      ("makeSnapshot", { _ = try engine.makeSnapshot() }),
      ("checkpoint", { try engine.checkpoint() }),
      ("settle", { try engine.settle() }),
      ("dropCache", { try engine.dropCache() }),
      ("spaceReport", { _ = try engine.spaceReport() }),
      ("verify", { try engine.verify() }),
      ("close", { try engine.close() }),
    ]
    for (name, call) in calls {
      if name == "makeSnapshot", !engine.limits.offersSnapshots { continue }
      try trial.expectRefusal("\(name) after close", call) { $0 == .storage(.closed) }
    }
  },

  ConformanceCheck("readers_never_write", "No get, scan, snapshot, verify or report writes a byte.") {
    trial in
    guard let written = trial.subject.deviceWriteByteCount else { return }
    try trial.load(1_000, key: { text("key \($0 &* 31 % 700)") }, value: { text("value \($0)") })
    try trial.engine.checkpoint()
    for round in 0..<2 {
      let before = written()
      try trial.expectSame()
      if trial.limits.offersSnapshots { _ = try trial.engine.makeSnapshot().entries() }
      try trial.engine.dropCache()
      try trial.expectSame()
      let after = written()
      try trial.expect(before == after, "reading wrote \(after &- before) bytes")
      // Once more with upserts and deletes that a reader might be tempted to resolve on the device.
      if round == 0 {
        try trial.apply { batch in
          for number in 0..<300 {
            batch.append(text("key \(number)"), text("?"))
            if number % 2 == 0 { batch.delete(text("key \(number + 300)")) }
          }
        }
        try trial.engine.checkpoint()
      }
    }
  },
]

/// A model-based run: every kind of operation, compared now and then.
private func randomRun(
  _ trial: ConformanceTrial, operationCount: Int, keyCount: Int, longestKeyByteCount: Int
) throws {
  // Keys: a third short and nested, the rest with shared prefixes and random tails.
  let limit = min(longestKeyByteCount, trial.limits.maximumKeyByteCount)
  var keys: [[UInt8]] = []
  for number in 0..<keyCount {
    var key: [UInt8]
    switch number % 3 {
    case 0: key = (0..<trial.draw(5)).map { _ in UInt8(trial.draw(3)) }
    case 1: key = text("table/\(number % 7)/row/") + trial.drawBytes(4)
    default: key = trial.drawBytes(trial.draw(limit + 1))
    }
    if key.count > limit { key = [UInt8](key.prefix(limit)) }
    keys.append(key)
  }
  let longestValue = min(9_000, trial.limits.maximumValueByteCount)
  func value() -> [UInt8] {
    let size: Int
    switch trial.draw(40) {
    case 0: size = trial.draw(longestValue + 1)
    case 1...4: size = trial.draw(min(600, longestValue) + 1)
    default: size = trial.draw(min(64, longestValue) + 1)
    }
    return [UInt8](repeating: UInt8(trial.draw(256)), count: size)
  }
  func key() -> [UInt8] { keys[trial.draw(keys.count)] }

  var made = 0
  var batchNumber = 0
  var kept: (view: any ReadView, state: ReferenceState)? = nil
  while made < operationCount {
    batchNumber += 1
    let size = trial.draw(10) == 0 ? 1 + trial.draw(200) : 1 + trial.draw(30)
    let offersRangeDelete = trial.limits.offersRangeDelete
    try trial.apply(sync: trial.draw(8) == 0) { batch in
      for _ in 0..<size {
        switch trial.draw(100) {
        case 0..<45: batch.put(key(), value())
        case 45..<65: batch.delete(key())
        case 65..<76:
          batch.add(
            key(),
            Int64(truncatingIfNeeded: conformanceDraw(seed: trial.seed, index: UInt64(trial.draw(1 << 40)))))
        case 76..<86: batch.append(key(), trial.drawBytes(trial.draw(min(12, longestValue))))
        case 86..<96:
          batch.patch(
            key(), offset: UInt32(trial.draw(max(1, min(90, longestValue - 8)))),
            trial.drawBytes(trial.draw(min(8, longestValue))))
        default:
          if offersRangeDelete {
            let start = key()
            batch.deleteRange(
              start,
              trial.draw(3) == 0
                ? key() : start + [UInt8](repeating: 0xff, count: start.count < limit ? 1 : 0))
          }
        }
      }
    }
    made += size
    for _ in 0..<4 {
      let probe = trial.draw(4) == 0 ? trial.drawBytes(trial.draw(4)) : key()
      try trial.expectValue(probe, trial.state.value(for: probe))
    }
    if trial.draw(12) == 0 {
      let range = KeyRange(
        lowerBound: trial.draw(4) == 0 ? nil : key(), upperBound: trial.draw(4) == 0 ? nil : key())
      for order in ScanOrder.allCases {
        try trial.expectEntries(trial.state.entries(in: range, order: order), in: range, order)
      }
    }
    if trial.limits.offersSnapshots {
      if let snapshot = kept {
        if trial.draw(15) == 0 {
          try trial.expectEntries(snapshot.state.entries(), in: .all, .forward, of: snapshot.view)
          kept = nil
        }
      } else if trial.draw(10) == 0 {
        kept = (try trial.engine.makeSnapshot(), trial.state)
      }
    }
    switch trial.draw(120) {
    case 0: try trial.engine.checkpoint()
    case 1: try trial.engine.dropCache()
    case 2: try trial.engine.settle()
    case 3...4:
      kept = nil
      try trial.reopen()
    case 5...7: try trial.expectSame()
    case 8...9: try trial.expectSound()
    default: break
    }
  }
}

let randomChecks: [ConformanceCheck] = [
  ConformanceCheck(
    "random_few_keys", "A model-based run over 40 keys: mostly overwrites, deletes and upserts."
  ) { trial in
    try randomRun(trial, operationCount: trial.randomOperationCount, keyCount: 40, longestKeyByteCount: 20)
  },
  ConformanceCheck("random_many_keys", "A model-based run over 2,000 keys.") { trial in
    try randomRun(trial, operationCount: trial.randomOperationCount, keyCount: 2_000, longestKeyByteCount: 40)
  },
  ConformanceCheck("random_long_keys", "A model-based run over 300 keys of up to 400 bytes.") { trial in
    try randomRun(
      trial, operationCount: trial.randomOperationCount / 2, keyCount: 300, longestKeyByteCount: 400)
  },
]
