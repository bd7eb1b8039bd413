// Goal: the flash model counts what its rules say, and what theory says of uniform random writes.
// Method: a second, naive translation layer with the same rules, compared after every call; the closed forms of greedy
// and of oldest-first cleaning; worlds whose answer is known (sequential, trimmed, part pages, too small a drive).

import Accounting
import Primitives
import Testing

@testable import Storage

/// The same rules written down without any structure: every question is a search.
private struct NaiveFlash {
  let perBlock: Int
  let exported: Int
  /// For each block the logical pages programmed into it, in order.
  var blocks: [[Int]]
  /// Where the valid copy of a logical page is.
  var copies: [Int: (block: Int, place: Int)] = [:]
  var logical: [UInt64: Int] = [:]
  var free: Set<Int>
  var open: Int
  var (host, moved, erased, trimmed) = (0, 0, 0, 0)

  init(_ configuration: FlashConfiguration) {
    perBlock = configuration.pagesPerBlock
    exported = configuration.exportedPageCount
    let count = configuration.physicalBlockCount + 1
    blocks = Array(repeating: [], count: count)
    free = Set(0..<count)
    open = 0
    if configuration.precondition == .full {
      for page in 0..<exported {
        copies[page] = (page / perBlock, page % perBlock)
        blocks[page / perBlock].append(page)
      }
      for block in 0..<exported / perBlock { free.remove(block) }
      open = exported / perBlock
    }
    free.remove(open)
  }

  func valid(_ block: Int) -> [Int] {
    blocks[block].indices.filter { place in
      guard let copy = copies[blocks[block][place]] else { return false }
      return copy.block == block && copy.place == place
    }.map { blocks[block][$0] }
  }

  mutating func write(_ page: UInt64) {
    if logical[page] == nil {
      let taken = Set(logical.values)
      logical[page] = (0..<exported).map { (Int(page) + $0) % exported }.first { !taken.contains($0) }
    }
    guard let own = logical[page] else { return }
    copies[own] = nil
    program(own)
    host += 1
  }

  mutating func discard(_ page: UInt64) {
    guard let own = logical.removeValue(forKey: page) else { return }
    if copies.removeValue(forKey: own) != nil { trimmed += 1 }
  }

  private mutating func program(_ own: Int) {
    if blocks[open].count == perBlock {
      let wasLast = free.count == 1
      open = free.min() ?? 0
      free.remove(open)
      if wasLast {
        let closed = blocks.indices.filter { $0 != open && !free.contains($0) }
        let victim = closed.min { (valid($0).count, $0) < (valid($1).count, $1) } ?? 0
        for page in valid(victim) {
          copies[page] = (open, blocks[open].count)
          blocks[open].append(page)
          moved += 1
        }
        blocks[victim] = []
        free.insert(victim)
        erased += 1
      }
    }
    copies[own] = (open, blocks[open].count)
    blocks[open].append(own)
  }
}

/// Oldest-first cleaning under uniform random writes: A = 1 / (1 − u′), where u = (u′ − 1) / ln u′ and u = 1 / α. The same as
/// α / (α + W(−α e^−α)).
///
/// Source: P. Desnoyers, "Analytic modeling of SSD write performance", SYSTOR 2012, equation 4; J. Menon, "A performance
/// comparison of RAID-5 and log-structured arrays", HPDC 1995, for the implicit form.
private func oldestFirstAmplification(_ alpha: Double) -> Double {
  var (low, high) = (1e-12, 1 - 1e-12)
  for _ in 0..<200 {
    let middle = (low + high) / 2
    if (middle - 1) / DeterministicMath.ln(middle) < 1 / alpha { low = middle } else { high = middle }
  }
  return 1 / (1 - low)
}

/// Greedy cleaning under uniform random writes with blocks of n pages: that of oldest-first with k α, divided by k, where
/// k = 1 + 1 / (2 n). Source: Desnoyers, SYSTOR 2012, equation 12.
private func greedyAmplification(_ alpha: Double, pagesPerBlock: Int) -> Double {
  let k = 1 + 1 / (2 * Double(pagesPerBlock))
  return oldestFirstAmplification(k * alpha) / k
}

@Suite struct FlashTests {
  static let page: UInt64 = 4_096

  static func drive(
    blocks: Int, pagesPerBlock: Int, spare: Double, _ precondition: FlashConfiguration.Precondition = .full
  ) -> FlashConfiguration {
    FlashConfiguration(
      capacityByteCount: UInt64(blocks * pagesPerBlock * 4_096), spareFraction: spare,
      eraseBlockByteCount: pagesPerBlock * 4_096, precondition: precondition)
  }

  /// Writes `count` pages drawn from `hostPages`, each alone.
  static func overwrite(_ drive: inout FlashTranslation, _ hostPages: Int, _ count: Int, seed: UInt64) {
    let random = CounterRandom(seed: seed, stream: 3)
    for index in 0..<count {
      let page = random.uniform(below: UInt64(hostPages), UInt64(index))
      drive.write(offset: page * Self.page, byteCount: Self.page)
    }
  }

  /// Amplification of uniform random overwrites of all exported pages, after `drive` has settled.
  static func settledAmplification(_ configuration: FlashConfiguration, seed: UInt64) -> Double {
    var drive = FlashTranslation(configuration)
    let pages = configuration.exportedPageCount
    overwrite(&drive, pages, 4 * pages, seed: seed)
    let before = drive.counts
    overwrite(&drive, pages, 6 * pages, seed: seed + 100)
    let counts = drive.counts.subtracting(before)
    return Double(counts.programmedPageCount) / Double(counts.hostPageCount)
  }

  @Test(
    "the structured model is the naive one", arguments: [1, 2, 3, 4] as [UInt64],
    FlashConfiguration.Precondition.allCases)
  func isTheNaiveModel(seed: UInt64, precondition: FlashConfiguration.Precondition) {
    let configuration = Self.drive(blocks: 16, pagesPerBlock: 8, spare: 0.12, precondition)
    var drive = FlashTranslation(configuration)
    var naive = NaiveFlash(configuration)
    var random = TestRandom(seed: seed)
    for step in 0..<1_200 {
      // Inside the drive's size with short discards, and in an address space five times as large.
      let page = UInt64(random.below(seed % 2 == 0 ? 124 : 640))
      if random.below(10) < 2 || drive.heldPageCount > 120 {
        let count = 1 + random.below(seed % 2 == 0 ? 4 : 40)
        drive.discard(offset: page * Self.page, byteCount: UInt64(count) * Self.page)
        for index in 0..<UInt64(count) { naive.discard(page + index) }
      } else {
        let count = 1 + random.below(3)
        drive.write(offset: page * Self.page, byteCount: UInt64(count) * Self.page)
        for index in 0..<UInt64(count) { naive.write(page + index) }
      }
      let counts = drive.counts
      let same =
        counts.hostPageCount == UInt64(naive.host) && counts.movedPageCount == UInt64(naive.moved)
        && counts.erasedBlockCount == UInt64(naive.erased) && counts.trimmedPageCount == UInt64(naive.trimmed)
      guard same, drive.brokenInvariant() == nil else {
        Issue.record(
          "seed \(seed), step \(step): \(counts), naive \(naive.host) \(naive.moved): \(drive.brokenInvariant() ?? "")"
        )
        return
      }
    }
    #expect(drive.counts.movedPageCount > 0 && drive.counts.trimmedPageCount > 0)
  }

  @Test(
    "uniform random overwrites: within 1.5 % of greedy theory, never above oldest-first",
    arguments: [0.07, 0.12, 0.2, 0.28, 0.4])
  func greedyTheory(spare: Double) {
    for pagesPerBlock in [32, 128] {
      let configuration = Self.drive(
        blocks: 32_768 / pagesPerBlock, pagesPerBlock: pagesPerBlock, spare: spare)
      let measured = Self.settledAmplification(configuration, seed: 11)
      let alpha = configuration.physicalToExported
      let greedy = greedyAmplification(alpha, pagesPerBlock: pagesPerBlock)
      #expect(
        abs(measured / greedy - 1) < 0.015,
        "spare \(spare), n \(pagesPerBlock): \(measured), theory \(greedy)")
      #expect(measured < oldestFirstAmplification(alpha) * 1.01)
    }
  }

  @Test("known values of the closed forms")
  func closedForms() {
    // The paper's figure for an over-provisioning of 0.3, α = 1.3: 2.36 by the formula, 2.35 simulated (Luojie, Kurkoski,
    // "An improved analytic expression for write amplification in NAND flash", ICNC 2012).
    #expect(abs(oldestFirstAmplification(1.3) - 2.36) < 0.005)
    #expect(abs(greedyAmplification(1.3, pagesPerBlock: 1 << 20) - oldestFirstAmplification(1.3)) < 1e-3)
  }

  @Test("sequential overwrites move nothing", arguments: FlashConfiguration.Precondition.allCases)
  func sequential(precondition: FlashConfiguration.Precondition) {
    let configuration = Self.drive(blocks: 32, pagesPerBlock: 64, spare: 0.07, precondition)
    var drive = FlashTranslation(configuration)
    let pages = UInt64(configuration.exportedPageCount)
    for round in 0..<5 as Range<UInt64> {
      for page in stride(from: 0 as UInt64, to: pages, by: 16) {
        drive.write(offset: page * Self.page, byteCount: 16 * Self.page)
      }
      #expect(drive.counts.hostPageCount == (round + 1) * pages)
    }
    #expect(drive.counts.movedPageCount == 0)
    #expect(drive.counts.programmedByteCount == 5 * pages * Self.page)
    #expect(drive.brokenInvariant() == nil)
  }

  @Test("a used drive amplifies the first random writes, a fresh one does not until it is full")
  func preconditioning() {
    for precondition in FlashConfiguration.Precondition.allCases {
      let configuration = Self.drive(blocks: 64, pagesPerBlock: 64, spare: 0.1, precondition)
      var drive = FlashTranslation(configuration)
      // A permutation of half of the pages: nothing is written twice.
      let pages = UInt64(configuration.exportedPageCount)
      for index in 0..<pages / 2 {
        drive.write(offset: index &* 1_597 % pages * Self.page, byteCount: Self.page)
      }
      #expect((drive.counts.movedPageCount > 0) == (precondition == .full))
    }
  }

  @Test("trimming half of the pages is as good as the spare it makes")
  func trim() {
    let configuration = Self.drive(blocks: 512, pagesPerBlock: 64, spare: 0.1)
    let pages = configuration.exportedPageCount
    var drive = FlashTranslation(configuration)
    for page in 0..<UInt64(pages) { drive.write(offset: page * Self.page, byteCount: Self.page) }
    Self.overwrite(&drive, pages, 3 * pages, seed: 2)
    let full = drive.counts
    Self.overwrite(&drive, pages, 2 * pages, seed: 3)
    let before = drive.counts.subtracting(full)
    drive.discard(offset: UInt64(pages / 2) * Self.page, byteCount: UInt64(pages / 2) * Self.page)
    #expect(drive.counts.trimmedPageCount == UInt64(pages / 2))
    #expect(drive.heldPageCount == pages / 2)
    Self.overwrite(&drive, pages / 2, 3 * pages, seed: 4)
    let settled = drive.counts
    Self.overwrite(&drive, pages / 2, 4 * pages, seed: 5)
    let after = drive.counts.subtracting(settled)
    let (a, b) = (
      Double(before.programmedPageCount) / Double(before.hostPageCount),
      Double(after.programmedPageCount) / Double(after.hostPageCount)
    )
    #expect(a > 4 && b < 1.5)
    let theory = greedyAmplification(2 * configuration.physicalToExported, pagesPerBlock: 64)
    #expect(abs(b / theory - 1) < 0.03, "\(b), theory \(theory)")
    #expect(drive.brokenInvariant() == nil)
  }

  @Test("a part of a page programs all of it; a part of a page is not trimmed")
  func partPages() {
    let configuration = FlashConfiguration(
      capacityByteCount: 16 << 20, pageByteCount: 16_384, eraseBlockByteCount: 1 << 20)
    var drive = FlashTranslation(configuration)
    drive.write(offset: 4_096, byteCount: 4_096)
    #expect(drive.counts.programmedByteCount == 16_384)
    drive.write(offset: 12_288, byteCount: 8_192)
    #expect(drive.counts.hostPageCount == 3)
    drive.discard(offset: 4_096, byteCount: 20_000)
    #expect(drive.counts.trimmedPageCount == 0)
    drive.discard(offset: 0, byteCount: 16_384 + 12_288)
    #expect(drive.counts.trimmedPageCount == 1 && drive.heldPageCount == 1)
    #expect(drive.brokenInvariant() == nil)
  }

  @Test("more pages than the drive exports: refused with the number needed, and nothing is done")
  func tooMuch() throws {
    var description = DeviceDescription()
    description.flash = Self.drive(blocks: 16, pagesPerBlock: 4, spare: 0.1, .fresh)
    let stack = try DeviceStack(description)
    let flash = try #require(stack.flash)
    let channel = stack.makeChannel()
    let frame = stack.pool.frame(byteCount: 60 * 4_096, zeroed: true)
    try channel.write(frame, at: 1 << 30, cause: .leaf)
    let counts = flash.counts
    #expect(counts.hostPageCount == 60)
    var batch = TransferBatch()
    for (unit, count) in [(3, 2), (9, 3)] {
      let piece = stack.pool.frame(byteCount: count * 4_096, zeroed: true)
      batch.append(
        .write, offset: UInt64(unit) * 4_096, memory: .frame(piece, offset: 0), byteCount: count * 4_096,
        cause: .leaf)
    }
    batch.seal(coalesces: true, maximumTransferByteCount: 1 << 20)
    do {
      try stack.top.submit(&batch)
      Issue.record("65 pages were held by a drive of 64")
    } catch {
      #expect("\(error)".contains("exports 262144 bytes (64 pages)"))
      #expect("\(error)".contains("needs 266240 bytes (65 pages)"))
    }
    #expect(flash.counts == counts)
    #expect(stack.counting.counts[.write].byteCount == 60 * 4_096)
    // What is discarded makes room.
    try stack.top.control(.discard(offset: 1 << 30, byteCount: 4_096, cause: .leaf))
    try stack.top.submit(&batch)
    #expect(flash.counts.hostPageCount == 65 && flash.translation.heldPageCount == 64)
    #expect(flash.translation.brokenInvariant() == nil)
  }

  @Test("a branch goes on from where the drive stands, and leaves it alone")
  func branch() throws {
    let configuration = Self.drive(blocks: 16, pagesPerBlock: 16, spare: 0.1)
    let memory = MemoryDevice(capacityByteCount: 1 << 20)
    let drive = FlashDevice(base: memory, configuration: configuration)
    func write(_ device: FlashDevice, from first: Int, count: Int) throws {
      for step in first..<first + count {
        let frame = memory.pool.frame(byteCount: 4_096, zeroed: true)
        try MemoryDeviceTests.write(
          device, at: UInt64(step &* 37 % 256) * 4_096, .frame(frame, offset: 0), 4_096)
      }
    }
    try write(drive, from: 0, count: 500)
    let counts = drive.counts
    let branch = FlashDevice(base: memory.clone(), continuing: drive.translation)
    try write(branch, from: 500, count: 300)
    #expect(drive.counts == counts && branch.counts.hostPageCount == 800)
    try write(drive, from: 500, count: 300)
    #expect(drive.counts == branch.counts && drive.counts.movedPageCount > 0)
  }

  @Test("a drive that cannot be says which key is to blame")
  func faults() {
    var drive = FlashConfiguration(capacityByteCount: 1 << 30)
    #expect(drive.fault == nil)
    #expect(drive.physicalBlockCount == 1_102)
    drive.pageByteCount = 3_000
    #expect(drive.fault?.key == "page")
    drive.pageByteCount = 1 << 19
    #expect(drive.fault?.key == "erase_block")
    drive.pageByteCount = 4_096
    drive.spareFraction = 1
    #expect(drive.fault?.key == "spare")
    drive.spareFraction = 0.5
    drive.capacityByteCount = 1 << 42
    #expect(drive.fault?.key == "capacity")
    // However little spare is asked for, one block can always be reclaimed.
    let tight = FlashConfiguration(capacityByteCount: 16 << 20, spareFraction: 0.001)
    #expect(tight.physicalBlockCount == 17)
    var full = FlashTranslation(tight)
    Self.overwrite(&full, 4_096, 3_000, seed: 1)
    #expect(full.brokenInvariant() == nil && full.counts.movedPageCount > 0)
  }
}
