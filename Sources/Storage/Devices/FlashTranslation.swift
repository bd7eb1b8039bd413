// A page-mapped flash translation layer with greedy garbage collection, as a model: it stores no data, it only counts
// what a drive would have programmed for the writes and discards it is told of.
//
//   host page ──folded──▶ logical page ──mapped──▶ physical page
//                                                  block 0 [v v · v]  block 1 [· · v ·]  open [v v    ]  reserve [    ]
//
//   host write   the logical page's old copy becomes invalid; the new one is programmed into the open block
//   open full    a free block is opened; when only the reserve is free, the block with the fewest valid pages (of
//                several the one with the lowest number) is cleaned: its valid pages move into the reserve, which becomes
//                the open block, and the cleaned block, erased, is the new reserve
//   discard      the pages it covers wholly become invalid, and their logical pages are free again
//
// Where host pages go. The host's address space may be larger than the drive. Host page h takes logical page h mod U
// when it is first written, or the next one (cyclically) that no host page has: neighbours stay neighbours, and as long
// as the host holds no more than U pages, all fit. A host page gives its logical page back when it is discarded.
//
// A drive preconditioned `full` begins with every logical page valid, in order; the first host write of a logical page
// overwrites that cold copy. Nothing of the preconditioning is counted.
//
// Invariants
// 1. programmed = host + moved.
// 2. A logical page has at most one valid copy; valid pages of a block are those whose copy the map points to.
// 3. Exactly one erase block is free whenever a victim is chosen; a victim has at least one invalid page.
// 4. The counts are a function of configuration and calls: no clock, no random choice, no order of a hash table.
//
// Limits: one write frontier for host writes and moved pages; no wear levelling, no write buffer that would absorb two
// writes of one page, no map pages of its own.
//
// Sources: W. Bux, I. Iliadis, "Performance of greedy garbage collection in flash-based solid-state drives", Performance
// Evaluation 67(11), 2010 (greedy cleaning); P. Desnoyers, "Analytic modeling of SSD write performance", SYSTOR 2012,
// section 2 (the model: U, T, N_p, one frontier).

import Primitives

/// What a flash drive has done, in pages and erase blocks.
public struct FlashCounts: Equatable, Sendable {
  /// Pages programmed because the host wrote them.
  public var hostPageCount: UInt64 = 0
  /// Pages programmed because their erase block was cleaned.
  public var movedPageCount: UInt64 = 0
  /// Erase blocks erased.
  public var erasedBlockCount: UInt64 = 0
  /// Valid pages that a discard made invalid.
  public var trimmedPageCount: UInt64 = 0
  /// The size of a page in bytes.
  public var pageByteCount: Int

  /// All zero.
  public init(pageByteCount: Int) { self.pageByteCount = pageByteCount }

  /// Pages programmed: host + moved.
  public var programmedPageCount: UInt64 { hostPageCount + movedPageCount }
  /// Bytes programmed.
  public var programmedByteCount: UInt64 { programmedPageCount * UInt64(pageByteCount) }
  /// Bytes programmed because the host wrote.
  public var hostByteCount: UInt64 { hostPageCount * UInt64(pageByteCount) }
  /// Bytes programmed by the garbage collector.
  public var movedByteCount: UInt64 { movedPageCount * UInt64(pageByteCount) }

  /// These counts less earlier ones of the same drive.
  public func subtracting(_ earlier: FlashCounts) -> FlashCounts {
    var result = self
    result.hostPageCount -= earlier.hostPageCount
    result.movedPageCount -= earlier.movedPageCount
    result.erasedBlockCount -= earlier.erasedBlockCount
    result.trimmedPageCount -= earlier.trimmedPageCount
    return result
  }
}

/// The host holds more distinct pages than the drive exports.
public struct FlashFull: Error, Equatable, Sendable, CustomStringConvertible {
  /// Pages the host would hold.
  public var neededPageCount: Int
  /// Pages the drive exports.
  public var exportedPageCount: Int
  /// The size of a page in bytes.
  public var pageByteCount: Int

  /// The sentence for a report.
  public var description: String {
    "the flash drive exports \(exportedPageCount * pageByteCount) bytes (\(exportedPageCount) pages), and this write "
      + "needs \(neededPageCount * pageByteCount) bytes (\(neededPageCount) pages) to be held at once; raise "
      + "device.flash.capacity to at least that"
  }
}

/// The translation layer. A host page costs O(1) beside the pages that cleaning moves.
public struct FlashTranslation {
  /// What the drive is made of.
  public let configuration: FlashConfiguration
  /// What it has done since it was made, the preconditioning excluded.
  public private(set) var counts: FlashCounts

  private let pagesPerBlock: Int
  private let pageShift: UInt64
  private let exportedPageCount: Int
  private let blockCount: Int

  /// Logical page of each host page, in tables of 4,096 made when first needed; −1 for none.
  private var logicalOfHost: ContiguousArray<ContiguousArray<Int32>> = []
  /// Logical pages that no host page has.
  private var unclaimed = UnitBitmap()
  /// Physical page of each logical page, −1 for none.
  private var physicalOfLogical: ContiguousArray<Int32>
  /// Logical page each physical page was programmed for; says nothing once the copy is invalid.
  private var logicalOfPhysical: ContiguousArray<Int32>
  private var validCount: ContiguousArray<Int32>
  /// Full erase blocks by number of valid pages.
  private var closedBlocks: ContiguousArray<UnitBitmap>
  private var freeBlocks = UnitBitmap()
  private var openBlock: Int
  private var openFill = 0

  private static let tableBits: UInt64 = 12

  /// A drive in its first state. Precondition: `configuration.fault` is nil.
  public init(_ configuration: FlashConfiguration) {
    precondition(
      configuration.fault == nil, "A flash drive is possible: \(configuration.fault?.reason ?? "").")
    self.configuration = configuration
    counts = FlashCounts(pageByteCount: configuration.pageByteCount)
    pagesPerBlock = configuration.pagesPerBlock
    pageShift = UInt64(configuration.pageByteCount.trailingZeroBitCount)
    exportedPageCount = configuration.exportedPageCount
    blockCount = configuration.physicalBlockCount + 1
    physicalOfLogical = ContiguousArray(repeating: -1, count: exportedPageCount)
    logicalOfPhysical = ContiguousArray(repeating: -1, count: blockCount * pagesPerBlock)
    validCount = ContiguousArray(repeating: 0, count: blockCount)
    closedBlocks = ContiguousArray(repeating: UnitBitmap(), count: pagesPerBlock + 1)
    unclaimed.insert(0..<exportedPageCount)
    var firstFree = 0
    if configuration.precondition == .full {
      for page in 0..<exportedPageCount {
        physicalOfLogical[page] = Int32(page)
        logicalOfPhysical[page] = Int32(page)
      }
      firstFree = configuration.exportedBlockCount
      for block in 0..<firstFree { validCount[block] = Int32(pagesPerBlock) }
      closedBlocks[pagesPerBlock].insert(0..<firstFree)
    }
    openBlock = firstFree
    freeBlocks.insert((firstFree + 1)..<blockCount)
  }

  /// Host pages that have a logical page.
  public var heldPageCount: Int { exportedPageCount - unclaimed.setCount }

  /// The host pages that `byteCount` bytes at `offset` touch. Precondition: at least one byte.
  private func pages(_ offset: UInt64, _ byteCount: UInt64) -> ClosedRange<UInt64> {
    (offset >> pageShift)...((offset + byteCount - 1) >> pageShift)
  }

  // MARK: Writing

  /// How many of the pages from `first` on, up to those of the range, no logical page is held for.
  ///
  /// - Returns: the number, and the page after the last one looked at, to continue from with the next range.
  private func newPageCount(_ range: ClosedRange<UInt64>, from first: UInt64) -> (count: Int, next: UInt64) {
    var count = 0
    var page = max(first, range.lowerBound)
    while page <= range.upperBound {
      if logical(of: page) < 0 { count += 1 }
      page += 1
    }
    return (count, max(first, range.upperBound + 1))
  }

  /// Whether writes of these ranges, in ascending order, fit. Exact, and O(1) while there is room in plenty.
  ///
  /// - Throws: `FlashFull` with the pages that would be held.
  public func requireRoom(
    for ranges: some Sequence<(offset: UInt64, byteCount: UInt64)>
  ) throws(FlashFull) {
    var touched = 0
    for range in ranges { touched += pages(range.offset, range.byteCount).count }
    if touched <= unclaimed.setCount { return }
    var needed = heldPageCount
    var next: UInt64 = 0
    for range in ranges {
      let found = newPageCount(pages(range.offset, range.byteCount), from: next)
      needed += found.count
      next = found.next
    }
    if needed > exportedPageCount {
      throw FlashFull(
        neededPageCount: needed, exportedPageCount: exportedPageCount,
        pageByteCount: configuration.pageByteCount)
    }
  }

  /// Programs every page the range touches. Precondition: `requireRoom` allowed it.
  public mutating func write(offset: UInt64, byteCount: UInt64) {
    if byteCount == 0 { return }
    for page in pages(offset, byteCount) {
      let logical = claim(page)
      invalidate(logical)
      program(logical)
      counts.hostPageCount += 1
    }
  }

  /// Makes every page the range covers wholly invalid, and gives its logical page back.
  public mutating func discard(offset: UInt64, byteCount: UInt64) {
    let mask = UInt64(configuration.pageByteCount - 1)
    let first = (offset + mask) >> pageShift
    let end = min((offset + byteCount) >> pageShift, UInt64(logicalOfHost.count) << Self.tableBits)
    var page = first
    while page < end {
      let table = Int(page >> Self.tableBits)
      if logicalOfHost[table].isEmpty {
        page = UInt64(table + 1) << Self.tableBits
        continue
      }
      let place = Int(page & (1 << Self.tableBits - 1))
      let logical = Int(logicalOfHost[table][place])
      if logical >= 0 {
        if invalidate(logical) { counts.trimmedPageCount += 1 }
        logicalOfHost[table][place] = -1
        unclaimed.insert(logical..<logical + 1)
      }
      page += 1
    }
  }

  private func logical(of page: UInt64) -> Int {
    let table = Int(page >> Self.tableBits)
    guard table < logicalOfHost.count, !logicalOfHost[table].isEmpty else { return -1 }
    return Int(logicalOfHost[table][Int(page & (1 << Self.tableBits - 1))])
  }

  /// The logical page of a host page, taken now when it has none.
  private mutating func claim(_ page: UInt64) -> Int {
    let table = Int(page >> Self.tableBits)
    let place = Int(page & (1 << Self.tableBits - 1))
    if table >= logicalOfHost.count {
      logicalOfHost.append(contentsOf: repeatElement([], count: table + 1 - logicalOfHost.count))
    }
    if logicalOfHost[table].isEmpty {
      logicalOfHost[table] = ContiguousArray(repeating: -1, count: 1 << Self.tableBits)
    }
    let held = Int(logicalOfHost[table][place])
    if held >= 0 { return held }
    let wanted = Int(page % UInt64(exportedPageCount))
    guard let taken = unclaimed.firstSet(from: wanted) ?? unclaimed.firstSet(from: 0) else {
      preconditionFailure("A page is written only after requireRoom found a place for it.")
    }
    unclaimed.remove(taken..<taken + 1)
    logicalOfHost[table][place] = Int32(taken)
    return taken
  }

  /// Makes the copy of a logical page invalid, if there is one.
  @discardableResult private mutating func invalidate(_ logical: Int) -> Bool {
    let physical = Int(physicalOfLogical[logical])
    if physical < 0 { return false }
    physicalOfLogical[logical] = -1
    let block = physical / pagesPerBlock
    let valid = Int(validCount[block])
    validCount[block] = Int32(valid - 1)
    if block != openBlock {
      closedBlocks[valid].remove(block..<block + 1)
      closedBlocks[valid - 1].insert(block..<block + 1)
    }
    return true
  }

  /// Programs the next page of the open block for a logical page without a copy.
  private mutating func program(_ logical: Int) {
    if openFill == pagesPerBlock { openNextBlock() }
    let physical = openBlock * pagesPerBlock + openFill
    openFill += 1
    physicalOfLogical[logical] = Int32(physical)
    logicalOfPhysical[physical] = Int32(logical)
    validCount[openBlock] += 1
  }

  // MARK: Cleaning

  /// Closes the full block and opens another, cleaning one when only the reserve is left.
  private mutating func openNextBlock() {
    closedBlocks[Int(validCount[openBlock])].insert(openBlock..<openBlock + 1)
    let mustClean = freeBlocks.setCount == 1
    guard let next = freeBlocks.firstSet(from: 0) else {
      preconditionFailure("One erase block is always free.")
    }
    freeBlocks.remove(next..<next + 1)
    openBlock = next
    openFill = 0
    if mustClean { clean() }
  }

  /// Moves the valid pages of the block that has the fewest into the open block, and erases it.
  private mutating func clean() {
    var fewest = 0
    while fewest < pagesPerBlock, closedBlocks[fewest].isEmpty { fewest += 1 }
    guard fewest < pagesPerBlock, let victim = closedBlocks[fewest].firstSet(from: 0) else {
      preconditionFailure(
        "There are more physical pages than logical ones, so some block has an invalid page.")
    }
    closedBlocks[fewest].remove(victim..<victim + 1)
    let start = victim * pagesPerBlock
    if fewest > 0 {
      for physical in start..<start + pagesPerBlock {
        let logical = Int(logicalOfPhysical[physical])
        guard Int(physicalOfLogical[logical]) == physical else { continue }
        program(logical)
        counts.movedPageCount += 1
      }
    }
    validCount[victim] = 0
    freeBlocks.insert(victim..<victim + 1)
    counts.erasedBlockCount += 1
  }

  // MARK: Checking

  /// The first broken invariant, nil when all hold. O(pages); for tests.
  func brokenInvariant() -> String? {
    var valid = ContiguousArray<Int32>(repeating: 0, count: blockCount)
    for (logical, physical) in physicalOfLogical.enumerated() where physical >= 0 {
      valid[Int(physical) / pagesPerBlock] += 1
      if Int(logicalOfPhysical[Int(physical)]) != logical { return "page \(logical) and its copy disagree" }
    }
    if valid != validCount { return "the counts of valid pages are wrong" }
    if validCount.contains(where: { $0 > Int32(pagesPerBlock) }) { return "a block is more than full" }
    for block in 0..<blockCount {
      let isFree = freeBlocks.contains(block)
      let places = closedBlocks.indices.filter { closedBlocks[$0].contains(block) }
      let expected = isFree || block == openBlock ? [] : [Int(valid[block])]
      if places != expected { return "block \(block) is listed under \(places), not \(expected)" }
      if isFree && valid[block] != 0 { return "block \(block) is free and holds pages" }
    }
    if freeBlocks.isEmpty { return "no block is free" }
    var claimed = UnitBitmap()
    for logical in logicalOfHost.joined() where logical >= 0 {
      if claimed.contains(Int(logical)) { return "logical page \(logical) has two host pages" }
      claimed.insert(Int(logical)..<Int(logical) + 1)
      if physicalOfLogical[Int(logical)] < 0 { return "logical page \(logical) is held and has no copy" }
    }
    if claimed.setCount != heldPageCount { return "held pages are miscounted" }
    return nil
  }
}
