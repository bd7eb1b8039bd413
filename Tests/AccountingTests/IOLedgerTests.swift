// Goal: a ledger adds up, and its raw values keep their meaning.
// Method: random entries against a dictionary; sums by direction, cause, class and level; golden raw values.

import Primitives
import Testing

@testable import Accounting

@Suite struct IOLedgerTests {
  struct Random {
    var state: UInt64
    mutating func below(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
  }

  static func count(_ random: inout Random) -> IOCount {
    var count = IOCount()
    count.requestedOperationCount = UInt64(random.below(10))
    count.requestedByteCount = UInt64(random.below(100_000))
    count.transferredOperationCount = UInt64(random.below(5))
    count.transferredByteCount = UInt64(random.below(200_000))
    count.deviceSequentialCount = UInt64(random.below(2))
    count.streamSequentialCount = UInt64(random.below(2))
    return count
  }

  @Test(arguments: UInt64(1)...10) func cellsAndSumsAgree(seed: UInt64) {
    var random = Random(state: seed)
    var ledger = IOLedger()
    var model: [[Int]: IOCount] = [:]
    var snapshots: [(ledger: IOLedger, rows: Int)] = []
    for step in 0..<500 {
      let direction = Direction.allCases[random.below(Direction.allCases.count)]
      let cause = Cause.allCases[random.below(Cause.allCases.count)]
      let level = Level(rawValue: UInt8(random.below(40)))
      let count = Self.count(&random)
      ledger.add(count, direction: direction, cause: cause, level: level)
      let key = [Int(direction.rawValue), Int(cause.rawValue), min(Int(level.rawValue), 15)]
      model[key, default: IOCount()].add(count)
      if step % 100 == 0 { snapshots.append((ledger, step)) }
    }
    let rows = ledger.rows
    let keys = rows.map { [Int($0.direction.rawValue), Int($0.cause.rawValue), Int($0.level.rawValue)] }
    #expect(zip(keys, keys.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
    #expect(rows.count == model.values.filter { !$0.isZero }.count)
    for (key, row) in zip(keys, rows) { #expect(model[key] == row.count) }
    for direction in Direction.allCases {
      var (byCause, byClass, byLevel) = (IOCount(), IOCount(), IOCount())
      for cause in Cause.allCases { byCause.add(ledger.total(direction, cause)) }
      for causeClass in CauseClass.allCases { byClass.add(ledger.total(direction, causeClass)) }
      for level in 0..<Level.tableCount {
        byLevel.add(ledger.total(direction, Level(rawValue: UInt8(level))))
      }
      #expect(byCause == ledger.total(direction))
      #expect(byClass == ledger.total(direction))
      #expect(byLevel == ledger.total(direction))
    }
    for (snapshot, _) in snapshots {
      var sum = snapshot
      sum.merge(ledger.subtracting(snapshot))
      #expect(sum == ledger)
    }
    #expect(ledger.subtracting(ledger) == IOLedger())
    #expect(IOLedger().rows.isEmpty)
  }

  @Test func levelsBeyondTheTableShareTheLast() {
    #expect(Level.number(0).number == 0)
    #expect(Level.none.number == nil)
    #expect(Level.number(14).rawValue == 15)
    #expect(Level.number(1_000) == Level.number(14))
    for number in 0..<15 { #expect(Level.number(number).number == number) }
  }

  /// Records and traces on disk carry these numbers and names.
  @Test func rawValuesKeepTheirMeaning() {
    #expect(
      Direction.allCases.map(\.name) == [
        "read", "write", "discard", "sync", "create", "delete", "truncate", "directory_sync",
      ])
    #expect(Direction.allCases.map(\.rawValue) == Array(0..<8))
    let golden: [(Cause, UInt8, String)] = [
      (.padding, 0, "padding"), (.leaf, 1, "leaf"), (.interior, 2, "interior"), (.overflow, 3, "overflow"),
      (.record, 4, "record"), (.sortedRun, 5, "sorted_run"), (.flush, 6, "flush"),
      (.compaction, 7, "compaction"),
      (.filter, 8, "filter"), (.tableIndex, 9, "table_index"), (.buffer, 10, "buffer"),
      (.basement, 11, "basement"),
      (.log, 16, "log"), (.superblock, 17, "superblock"), (.spaceMap, 18, "space_map"),
      (.pendingLog, 19, "pending_log"), (.nodeDirectory, 20, "node_directory"), (.manifest, 21, "manifest"),
      (.freeList, 32, "free_list"), (.fileDirectory, 48, "file_directory"),
      (.verification, 56, "verification"),
    ]
    for (cause, raw, name) in golden {
      #expect(cause.rawValue == raw)
      #expect(cause.name == name)
    }
    #expect(Set(Cause.allCases.map(\.name)).count == Cause.allCases.count)
    for cause in Cause.allCases {
      #expect(Int(cause.rawValue) < Cause.tableCount)
      #expect(!cause.meaning.isEmpty)
    }
    #expect(Cause.padding.causeClass == .padding)
    #expect(Cause.superblock.causeClass == .metadata)
  }
}
