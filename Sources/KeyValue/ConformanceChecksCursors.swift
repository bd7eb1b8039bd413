// Checks of cursors, exhaustive on a small world: every subset of five nested keys, every pair of bounds, every seek.

import Primitives

/// Keys with prefixes, extensions and the empty key.
private let smallWorld: [[UInt8]] = [[], [0], [0, 0], [1], [1, 0xff]]

/// Places between and beside them.
private let smallProbes: [[UInt8]] = [[], [0], [0, 0], [0, 1], [1], [1, 0xff], [1, 0xff, 0], [0xff]]

let cursorChecks: [ConformanceCheck] = [
  ConformanceCheck(
    "cursor_small_world",
    "Every subset of five nested keys, every bound pair, both orders, every seek from every place."
  ) { trial in
    var bounds: [[UInt8]?] = [nil]
    bounds += smallProbes.map { $0 }
    for subset in 0..<(1 << smallWorld.count) {
      try trial.apply { batch in
        for (index, key) in smallWorld.enumerated() {
          if subset >> index & 1 == 1 { batch.put(key, key + [UInt8(subset)]) } else { batch.delete(key) }
        }
      }
      for lower in bounds {
        for upper in bounds {
          let range = KeyRange(lowerBound: lower, upperBound: upper)
          for order in ScanOrder.allCases {
            let expected = trial.state.entries(in: range, order: order)
            try trial.expectEntries(expected, in: range, order)
            // Seeks from fresh, from the middle and from the end; one cursor for all of them.
            let cursor = try trial.engine.makeCursor(range, order)
            for (number, probe) in smallProbes.enumerated() {
              try cursor.seek(to: probe.span.bytes)
              let rest = entriesAtOrAfter(probe, in: expected, order)
              if number % 3 == 0 {
                try trial.expectRest(
                  of: cursor, rest, "\(order) cursor over \(describe(range)) after seek \(short(probe))")
              } else if let first = rest.first {
                try trial.expect(
                  try cursor.next(), "seek \(short(probe)) over \(describe(range)) \(order) found nothing")
                try trial.expectCurrent(
                  cursor, first, "seek \(short(probe)) over \(describe(range)) \(order)")
              } else {
                try trial.expect(
                  !(try cursor.next()),
                  "seek \(short(probe)) over \(describe(range)) \(order) found something")
              }
            }
          }
        }
      }
    }
  },

  ConformanceCheck("cursor_large_world", "Scans over some thousand entries with random bounds and seeks.") {
    trial in
    try trial.load(
      2_000, key: { text("key \(conformanceDraw(seed: trial.seed, index: UInt64($0)) % 5_000)") },
      value: { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: $0 % 40) })
    for order in ScanOrder.allCases {
      for round in 0..<20 {
        func bound() -> [UInt8]? { trial.draw(5) == 0 ? nil : text("key \(trial.draw(6_000))") }
        let range = KeyRange(lowerBound: bound(), upperBound: bound())
        let expected = trial.state.entries(in: range, order: order)
        try trial.expectEntries(expected, in: range, order)
        let cursor = try trial.engine.makeCursor(range, order)
        for _ in 0..<10 {
          let probe = text("key \(trial.draw(6_000))")
          try cursor.seek(to: probe.span.bytes)
          let rest = entriesAtOrAfter(probe, in: expected, order)
          for (index, pair) in rest.prefix(round).enumerated() {
            try trial.expect(try cursor.next(), "\(order) cursor over \(describe(range)) ended early")
            try trial.expectCurrent(
              cursor, pair,
              "\(order) cursor over \(describe(range)), entry \(index) after seek \(short(probe))")
          }
        }
      }
    }
  },

  ConformanceCheck(
    "cursors_side_by_side", "Several cursors and gets between their steps do not disturb each other."
  ) { trial in
    try trial.load(300, key: { text("key \($0)") }, value: { text("value \($0)") })
    let all = trial.state.entries()
    let forward = try trial.engine.makeCursor(.all, .forward)
    let reverse = try trial.engine.makeCursor(.all, .reverse)
    let late = try trial.engine.makeCursor(KeyRange(lowerBound: text("key 2")), .forward)
    let lateEntries = trial.state.entries(in: KeyRange(lowerBound: text("key 2")))
    for index in all.indices {
      try trial.expect(try forward.next(), "the forward cursor ended early")
      try trial.expect(try reverse.next(), "the reverse cursor ended early")
      try trial.expectValue(text("key \(index)"), text("value \(index)"))
      try trial.expectCurrent(forward, all[index], "forward entry \(index)")
      try trial.expectCurrent(reverse, all[all.count - 1 - index], "reverse entry \(index)")
      if index % 2 == 0, index / 2 < lateEntries.count {
        try trial.expect(try late.next(), "the bounded cursor ended early")
        try trial.expectCurrent(late, lateEntries[index / 2], "bounded entry \(index / 2)")
      }
      // What a cursor stands on can be shown again.
      try trial.expectCurrent(forward, all[index], "forward entry \(index), shown twice")
    }
    try trial.expect(!(try forward.next()), "the forward cursor went on")
    try trial.expect(!(try reverse.next()), "the reverse cursor went on")
  },

  ConformanceCheck(
    "cursor_show_next",
    "Many entries in one call are the same as one by one, whatever the portions and bounds."
  ) { trial in
    try trial.load(
      700, key: { text("key \($0 * 3)") }, value: { [UInt8](repeating: UInt8($0 % 251), count: $0 % 90) })
    let bounds: [[UInt8]?] = [nil, text("key 1"), text("key 1200"), text("key 2"), text("zebra")]
    for lower in bounds {
      for upper in bounds {
        for order in ScanOrder.allCases {
          let range = KeyRange(lowerBound: lower, upperBound: upper)
          let expected = trial.state.entries(in: range, order: order)
          for portion in [1, 7, 100, 1_000] {
            let cursor = try trial.engine.makeCursor(range, order)
            var seen: [KeyValuePair] = []
            while true {
              let before = seen.count
              let count = try cursor.showNext(upTo: portion) {
                seen.append(KeyValuePair(key: bytes(of: $0), value: bytes(of: $1)))
              }
              try trial.expect(count == seen.count - before, "a call said \(count), it showed others")
              if let last = seen.last, count == portion {
                try trial.expectCurrent(cursor, last, "after showing \(seen.count) entries")
              }
              if count < portion { break }
              // A single step between two calls.
              guard try cursor.next() else { break }
              cursor.withCurrent { seen.append(KeyValuePair(key: bytes(of: $0), value: bytes(of: $1))) }
            }
            try trial.expect(
              seen == expected,
              "\(order) over \(describe(range)) in portions of \(portion) showed \(seen.count) entries of \(expected.count)"
            )
          }
        }
      }
    }
  },

  ConformanceCheck(
    "snapshots", "A snapshot keeps its contents under later writes of every kind; or is refused."
  ) {
    trial in
    try trial.load(400, key: { text("key \($0)") }, value: { text("old \($0)") })
    if !trial.limits.offersSnapshots {
      try trial.expectRefusal("a snapshot") {
        _ = try trial.engine.makeSnapshot()
      } accepts: { error in
        if case .unsupported = error { return true }
        return false
      }
      return
    }
    var kept: [(view: any ReadView, state: ReferenceState)] = []
    func compare() throws {
      for (view, state) in kept {
        try trial.expectEntries(state.entries(), in: .all, .forward, of: view)
        try trial.expectEntries(state.entries(order: .reverse), in: .all, .reverse, of: view)
        for number in stride(from: 0, to: 450, by: 37) {
          let key = text("key \(number)")
          try trial.expectValue(key, state.value(for: key), in: view)
        }
      }
    }
    let offersRangeDelete = trial.limits.offersRangeDelete
    for round in 0..<5 {
      kept.append((try trial.engine.makeSnapshot(), trial.state))
      let cursor = try kept[round].view.makeCursor(.all, .forward)
      _ = try cursor.next()
      try trial.apply { batch in
        for number in stride(from: round, to: 450, by: 3) {
          let key = text("key \(number)")
          switch (number + round) % 5 {
          case 0: batch.put(key, text("round \(round)"))
          case 1: batch.delete(key)
          case 2: batch.append(key, text("+"))
          case 3: batch.add(key, 1)
          default: batch.patch(key, offset: 1, text("P"))
          }
        }
        if offersRangeDelete, round == 3 { batch.deleteRange(text("key 1"), text("key 2")) }
      }
      // A cursor on a snapshot is not affected by writes.
      try trial.expectRest(
        of: cursor, [KeyValuePair](kept[round].state.entries().dropFirst()), "a snapshot's open cursor")
      if round == 2 { try trial.engine.checkpoint() }
      if round == 3 { try trial.engine.dropCache() }
      try compare()
    }
    kept.remove(at: 2)
    kept.removeFirst()
    try trial.engine.settle()
    try compare()
    kept.removeAll()
    try trial.expectSame()
    try trial.reopen()
  },
]

/// The entries a cursor gives after `seek(to: probe)`.
private func entriesAtOrAfter(_ probe: [UInt8], in entries: [KeyValuePair], _ order: ScanOrder)
  -> [KeyValuePair]
{
  switch order {
  case .forward: entries.filter { !keyPrecedes($0.key, probe) }
  case .reverse: entries.filter { !keyPrecedes(probe, $0.key) }
  }
}
