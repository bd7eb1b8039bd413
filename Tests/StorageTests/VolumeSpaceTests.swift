// Goal: units are never handed out twice and never lost, and come back exactly when no superblock and no pin can see
// them.
// Method: the sets of units against plain arrays of truth values over 10^5 seeded operations; the rule of two commits
// and of pins against a reference that keeps whole states, for every sequence of a small alphabet.

import Accounting
import Primitives
import Testing

@testable import Storage

@Suite struct VolumeSpaceTests {
  @Test func noUnitIsHandedOutTwiceInAMillionSteps() {
    let random = CounterRandom(seed: 42, stream: 1)
    let unitCount = 20_000
    var free = FreeExtents()
    free.insert(0..<unitCount)
    var isFree = [Bool](repeating: true, count: unitCount)
    var live: [Range<Int>] = []
    var (twice, freeCount, mostExtents) = (0, unitCount, 0)
    for step in 0..<UInt64(1_000_000) {
      if random.draw(step) % 100 < (step / 50_000 % 2 == 0 ? 60 : 40) || live.isEmpty {
        let count = 1 + Int(random.draw(step, 1) % 12)
        guard let start = free.allocate(count, near: nil, end: unitCount) else { continue }
        for unit in start..<(start + count) {
          if !isFree[unit] { twice += 1 }
          isFree[unit] = false
        }
        freeCount -= count
        live.append(start..<(start + count))
        mostExtents = max(mostExtents, live.count)
      } else {
        let index = Int(random.draw(step, 2) % UInt64(live.count))
        let range = live[index]
        live.swapAt(index, live.count - 1)
        live.removeLast()
        free.insert(range)
        for unit in range { isFree[unit] = true }
        freeCount += range.count
      }
    }
    #expect(twice == 0)
    #expect(free.unitCount == freeCount && mostExtents > 1_000)
  }

  @Test func freeExtentsAgainstAReference() {
    let seed: UInt64 = 41
    let random = CounterRandom(seed: seed, stream: 1)
    let unitCount = 3_000
    var free = FreeExtents()
    free.insert(0..<unitCount)
    var isFree = [Bool](repeating: true, count: unitCount)
    var live: [Range<Int>] = []
    func firstFit(_ count: Int, from hint: Int) -> Int? {
      // The first whole free extent that begins at or after the hint and is long enough.
      var start = 0
      while start < unitCount {
        if !isFree[start] {
          start += 1
          continue
        }
        var end = start
        while end < unitCount && isFree[end] { end += 1 }
        if start >= hint && end - start >= count { return start }
        start = end
      }
      return nil
    }
    func end(_ start: Int) -> Int {
      var end = start
      while end < unitCount && isFree[end] { end += 1 }
      return end
    }
    for step in 0..<UInt64(100_000) {
      let allocates = random.draw(step) % 100 < (step / 5_000 % 2 == 0 ? 60 : 40)
      if allocates || live.isEmpty {
        let count = 1 + Int(random.uniform(below: random.draw(step, 1) % 4 == 0 ? 200 : 8, step, 2))
        let hint =
          random.draw(step, 3) % 3 == 0 ? Int(random.uniform(below: UInt64(unitCount), step, 4)) : nil
        let start = free.allocate(count, near: hint, end: unitCount)
        if step % 16 == 0 {
          var expected = firstFit(count, from: hint ?? 0)
          if hint != nil, expected == nil || end(expected!) == unitCount {
            expected = firstFit(count, from: 0)
          }
          #expect(start == expected, "seed \(seed), step \(step)")
        }
        guard let start else { continue }
        for unit in start..<(start + count) {
          #expect(isFree[unit], "unit \(unit) was handed out twice; seed \(seed), step \(step)")
          isFree[unit] = false
        }
        live.append(start..<(start + count))
      } else {
        let index = Int(random.uniform(below: UInt64(live.count), step, 5))
        var range = live.remove(at: index)
        if range.count > 2, random.draw(step, 6) % 4 == 0 {
          // Part of an extent comes back.
          live.append(range.lowerBound..<(range.lowerBound + 1))
          range = (range.lowerBound + 1)..<range.upperBound
        }
        free.insert(range)
        for unit in range { isFree[unit] = true }
      }
      if step % 256 == 0 {
        let extents = free.extents
        var units = 0
        for (index, extent) in extents.enumerated() {
          units += extent.count
          #expect(extent.allSatisfy { isFree[$0] })
          if index > 0 { #expect(extents[index - 1].upperBound < extent.lowerBound, "neighbours are joined") }
        }
        #expect(units == isFree.count { $0 } && units == free.unitCount)
        #expect(extents.count == free.extentCount)
        #expect((extents.map(\.count).max() ?? 0) == free.largestUnitCount)
      }
    }
  }

  @Test func whatIsHandedOutDependsOnTheSetAlone() {
    // The same free set, reached by two histories, gives the same answers.
    let random = CounterRandom(seed: 43, stream: 1)
    var first = FreeExtents()
    first.insert(0..<500)
    var taken: [Range<Int>] = []
    for step in 0..<UInt64(60) {
      let count = 1 + Int(random.uniform(below: 7, step))
      if let start = first.allocate(count, near: nil, end: 500) { taken.append(start..<(start + count)) }
    }
    var second = FreeExtents()
    second.insert(0..<500)
    for range in taken.reversed() { second.take(range) }
    for (index, range) in taken.enumerated() where index % 3 == 0 { first.insert(range) }
    for (index, range) in taken.enumerated().reversed() where index % 3 == 0 { second.insert(range) }
    #expect(first.extents == second.extents)
    for step in 100..<UInt64(200) {
      let count = 1 + Int(random.uniform(below: 9, step))
      let hint = Int(random.uniform(below: 500, step, 1))
      #expect(first.allocate(count, near: hint, end: 500) == second.allocate(count, near: hint, end: 500))
    }
  }

  @Test func bitmapAgainstAReference() {
    let seed: UInt64 = 47
    let random = CounterRandom(seed: seed, stream: 2)
    let unitCount = 9_000
    var bitmap = UnitBitmap()
    var reference = [Bool](repeating: false, count: unitCount)
    for step in 0..<UInt64(20_000) {
      let start = Int(random.uniform(below: UInt64(unitCount - 300), step))
      let range = start..<(start + 1 + Int(random.uniform(below: step % 5 == 0 ? 300 : 6, step, 1)))
      if random.draw(step, 2) % 2 == 0 {
        bitmap.insert(range)
        for unit in range { reference[unit] = true }
      } else {
        bitmap.remove(range)
        for unit in range { reference[unit] = false }
      }
      let probe = Int(random.uniform(below: UInt64(unitCount - 200), step, 3))
      let probeRange = probe..<(probe + 1 + Int(random.uniform(below: 150, step, 4)))
      #expect(bitmap.contains(probe) == reference[probe])
      #expect(bitmap.containsAll(probeRange) == reference[probeRange].allSatisfy { $0 })
      #expect(bitmap.containsNone(probeRange) == reference[probeRange].allSatisfy { !$0 })
      if step % 64 == 0 {
        #expect(bitmap.firstSet(from: probe) == reference[probe...].firstIndex(of: true))
        #expect(bitmap.firstClear(from: probe) == reference[probe...].firstIndex(of: false))
      }
      if step % 512 == 0 {
        #expect(bitmap.setCount == reference.count { $0 })
        var rebuilt = [Bool](repeating: false, count: unitCount)
        for run in bitmap.runs { for unit in run { rebuilt[unit] = true } }
        #expect(rebuilt == reference, "seed \(seed), step \(step)")
      }
      if step % 5_000 == 4_999 {
        bitmap.removeAll()
        reference = [Bool](repeating: false, count: unitCount)
        #expect(bitmap.runs.isEmpty && bitmap.firstSet(from: 0) == nil)
      }
    }
  }

  // MARK: Epochs and pins

  /// What one extent is seen by, kept as whole states.
  struct Reference {
    /// Live extents after each commit; the last is the visible state.
    var visible: Set<Int> = []
    /// The states the two superblocks describe.
    var newest: Set<Int> = []
    var older: Set<Int> = []
    var pinned: [Set<Int>] = []

    func isSeen(_ extent: Int) -> Bool {
      visible.contains(extent) || newest.contains(extent) || older.contains(extent)
        || pinned.contains { $0.contains(extent) }
    }
  }

  /// Every sequence of 7 letters that begins with the first: allocate and commit, free the oldest and commit, commit
  /// durably, pin, unpin.
  @Test func epochsAndPinsExhaustively() throws {
    let letters = 5
    let length = 7
    var sequenceCount = 1
    for _ in 1..<length { sequenceCount *= letters }
    let formatted = MemoryDevice(capacityByteCount: 40 * 512, transferUnitByteCount: 512)
    let budget = MemoryBudget(limitByteCount: 1 << 20)
    let configuration = VolumeConfiguration(engineTag: "pins", pendingLogUnitCount: 4)
    _ = try Volume.create(channel: IOChannel(device: formatted), budget: budget, configuration: configuration)
    var reuseCount = 0
    for number in 0..<sequenceCount {
      let volume = try Volume.open(
        channel: IOChannel(device: formatted.clone()), budget: budget, configuration: configuration)
      // Older superblock and newest are the same, empty state.
      var reference = Reference()
      var pins: [Scenario.PinBox] = []
      var rest = number * letters
      var order: [Int] = []
      var everUsed: Set<Int> = []
      for _ in 0..<length {
        let letter = rest % letters
        rest /= letters
        switch letter {
        case 0:
          var transaction = try volume.beginTransaction()
          let extent = try transaction.allocate(byteCount: 512)
          let unit = Int(extent.offset / 512)
          #expect(!reference.isSeen(unit), "unit \(unit) is still seen; sequence \(number)")
          #expect(volume.isNewborn(extent))
          if everUsed.contains(unit) { reuseCount += 1 }
          everUsed.insert(unit)
          try transaction.commit(durable: false)
          reference.visible.insert(unit)
          order.append(unit)
        case 1:
          if order.isEmpty { continue }
          let unit = order.removeFirst()
          var transaction = try volume.beginTransaction()
          transaction.free(Extent(offset: UInt64(unit * 512), byteCount: 512))
          try transaction.commit(durable: false)
          reference.visible.remove(unit)
        case 2:
          // Always written, so that the reference need not know when nothing changed.
          try volume.publish(.everything, checkpoint: false)
          reference.older = reference.newest
          reference.newest = reference.visible
        case 3:
          pins.append(Scenario.PinBox(volume.pin()))
          reference.pinned.append(reference.visible)
        default:
          if pins.isEmpty { continue }
          // The oldest goes first, or the newest, by turns.
          let index = number % 2 == 0 ? 0 : pins.count - 1
          pins.remove(at: index)
          reference.pinned.remove(at: index)
        }
        #expect(volume.partitionProblem() == nil, "sequence \(number)")
        for unit in reference.visible {
          // In place only what nothing else can see.
          let extent = Extent(offset: UInt64(unit * 512), byteCount: 512)
          if volume.isNewborn(extent) {
            #expect(!reference.newest.contains(unit) && !reference.older.contains(unit))
            #expect(!reference.pinned.contains { $0.contains(unit) })
          }
        }
      }
      // Nothing is kept for ever: without pins, two durable commits bring everything back.
      pins.removeAll()
      try volume.publish(.everything, checkpoint: false)
      try volume.publish(.everything, checkpoint: false)
      let accounting = volume.accounting()
      #expect(accounting.deferredByteCount == 0 || accounting.deferredByteCount <= 512 * 8)
      #expect(accounting.liveByteCount == UInt64(512 * reference.visible.count))
    }
    #expect(reuseCount > 1_000, "the test sees reuse")
  }

  @Test func aFullVolumeRefusesAndRecovers() throws {
    let world = VolumeWorld(capacityByteCount: 96 << 10)
    let volume = try world.create()
    for round in 0..<6 {
      var extents: [Extent] = []
      var refused = false
      while !refused {
        var transaction = try volume.beginTransaction()
        do {
          extents.append(try transaction.allocate(byteCount: 512 * (1 + round)))
          try transaction.commit(durable: extents.count % 10 == 0)
        } catch StorageError.noSpace {
          refused = true
        }
      }
      #expect(extents.count * (1 + round) > 100)
      var transaction = try volume.beginTransaction()
      for extent in extents { transaction.free(extent) }
      try transaction.commit(durable: true)
      try volume.checkpoint()
      try volume.checkpoint()
      #expect(volume.partitionProblem() == nil)
      #expect(volume.accounting().liveByteCount == 0)
    }
    volume.close()
    let reopened = try world.open()
    #expect(try reopened.verify().isEmpty)
    #expect(reopened.accounting().liveByteCount == 0)
  }

  @Test func rollingBackLeavesNothing() throws {
    let world = VolumeWorld()
    let volume = try world.create()
    var transaction = try volume.beginTransaction()
    let kept = try transaction.allocate(byteCount: 2_048)
    let node = try transaction.makeNode(at: kept)
    transaction.setRoot([1])
    try transaction.commit(durable: true)
    let before = volume.accounting()
    do {
      var dropped = try volume.beginTransaction()
      _ = try dropped.allocate(byteCount: 9_000)
      let second = try dropped.allocate(byteCount: 512)
      dropped.free(second)
      dropped.free(kept)
      dropped.removeNode(node)
      _ = try dropped.makeNode(at: second)
      dropped.setRoot([2])
    }
    var after = volume.accounting()
    // Units that were handed out once stay below the used end.
    after.usedEndByteCount = before.usedEndByteCount
    #expect(after == before)
    #expect(volume.root == [1])
    #expect(try volume.resolve(node) == kept)
    #expect(volume.partitionProblem() == nil)
    // The next transaction is not disturbed.
    var next = try volume.beginTransaction()
    next.free(kept)
    next.removeNode(node)
    try next.commit(durable: true)
    #expect(volume.accounting().liveByteCount == 0)
  }

  @Test func aRefusedAccountChangesNothing() throws {
    let device = MemoryDevice(capacityByteCount: 4 << 20, transferUnitByteCount: 512)
    let channel = IOChannel(device: device)
    let budget = MemoryBudget(limitByteCount: 16 << 10)
    let volume = try Volume.create(
      channel: channel, budget: budget, configuration: VolumeConfiguration(engineTag: "small"))
    var nodes = 0
    var refused = false
    while !refused {
      var transaction = try volume.beginTransaction()
      do {
        let extent = try transaction.allocate(byteCount: 512)
        _ = try transaction.makeNode(at: extent)
        try transaction.commit(durable: false)
        nodes += 1
      } catch StorageError.outOfBudget {
        refused = true
      }
    }
    #expect(volume.mappedNodeCount == nodes)
    #expect(volume.partitionProblem() == nil)
    #expect(budget.heldByteCount <= budget.limitByteCount)
    volume.close()
    #expect(budget.heldByteCount == 0)
  }
}
