// The node directory: from a node's number to its extent, so that a node can move and its parent need not.
//
//   height 2    root page    [ pointer │ pointer │ … ]               pointer: page unit 8, checksum 4, zero 4
//                               │          │
//   level 0     leaf pages   [ e0 e1 … b0 b1 … ] [ ek … bk … ]       entry: packed extent 8, 0 = number not in use
//                                                                    birth 2: which write put the node there, 0 when none is kept
//
//   payload of a page: entries, then as many births, (transfer unit − 16) / 10 of each; or (transfer unit − 16) / 16 pointers
//
// Pages are copied on write: a durable commit gives every dirty page and all pages above it new units, so the older
// superblock keeps its directory. All entries are in memory (account `directory`): 10 bytes a node.
//
// Invariants
// 1. A number is in use exactly when its entry is not zero. The lowest number not in use is given out next.
// 2. Rolling back restores entries and the count of numbers; what is in memory is always the last commit plus the open
//    transaction.

import Accounting
import Primitives

/// Where a directory page lies.
struct PagePointer: Equatable {
  var unit = 0
  var checksum: UInt32 = 0
}

/// New places of dirty pages, by level from the leaves up; 0 for a page that stays.
struct DirectoryPlan {
  var newUnits: [[Int]]
}

/// A state of the directory that does not change, for snapshots. Cost: pages are shared until they change.
public struct DirectorySnapshot {
  let pages: ContiguousArray<DirectoryPage>
  let entriesPerPage: Int
  let transferUnitByteCount: Int

  /// The extent of a mapped node in this state, nil when it was not in use.
  public func extent(of id: NodeID) -> Extent? {
    let page = Int(clamping: id.number / UInt64(entriesPerPage))
    guard id.isMapped, page < pages.count else { return nil }
    let (start, count) = PackedExtent.unpack(pages[page].words[Int(id.number % UInt64(entriesPerPage))])
    if count == 0 { return nil }
    let unit = UInt64(transferUnitByteCount)
    return Extent(offset: start * unit, byteCount: Int(count * unit))
  }

  /// Which write put a mapped node there in this state; 0 when it was not in use.
  public func birth(of id: NodeID) -> UInt16 {
    let page = Int(clamping: id.number / UInt64(entriesPerPage))
    guard id.isMapped, page < pages.count else { return 0 }
    return pages[page].births[Int(id.number % UInt64(entriesPerPage))]
  }
}

/// The entries of one leaf page.
struct DirectoryPage: Equatable {
  /// Packed extents.
  var words: ContiguousArray<UInt64>
  var births: ContiguousArray<UInt16>

  init(count: Int) {
    words = ContiguousArray(repeating: 0, count: count)
    births = ContiguousArray(repeating: 0, count: count)
  }
}

/// The directory of one volume.
struct NodeDirectory {
  /// Bytes of an entry with its birth.
  private static let entryByteCount = 10
  private let transferUnitByteCount: Int
  let entriesPerPage: Int
  let pointersPerPage: Int
  private var pages: ContiguousArray<DirectoryPage> = []
  private var dirtyPages = UnitBitmap()
  private var unused = UnitBitmap()
  private var levels: [[PagePointer]] = []
  private var undo: [(number: Int, word: UInt64, birth: UInt16)] = []
  private var undoCount: Int?
  private var heldByteCount = 0
  /// Numbers ever given out and not rolled back.
  private(set) var idCount = 0
  /// Numbers in use.
  var usedCount: Int { idCount - unused.setCount }

  init(transferUnitByteCount: Int) {
    self.transferUnitByteCount = transferUnitByteCount
    entriesPerPage = (transferUnitByteCount - VolumeBlock.headerByteCount) / Self.entryByteCount
    pointersPerPage = (transferUnitByteCount - VolumeBlock.headerByteCount) / 16
  }

  /// Whether a durable commit has pages to write.
  var isDirty: Bool { !dirtyPages.isEmpty }

  /// The units of the pages as last written.
  var pageUnits: [Int] { levels.flatMap { $0.map(\.unit) }.filter { $0 != 0 } }

  var snapshot: DirectorySnapshot {
    DirectorySnapshot(
      pages: pages, entriesPerPage: entriesPerPage, transferUnitByteCount: transferUnitByteCount)
  }

  /// The packed extent of a number, 0 when it is not in use.
  func entry(_ number: UInt64) -> UInt64 {
    guard number < UInt64(idCount) else { return 0 }
    let index = Int(number)
    return pages[index / entriesPerPage].words[index % entriesPerPage]
  }

  /// Which write put a node there, 0 when its number is not in use.
  func birth(_ number: UInt64) -> UInt16 {
    guard number < UInt64(idCount) else { return 0 }
    let index = Int(number)
    return pages[index / entriesPerPage].births[index % entriesPerPage]
  }

  /// Gives out the lowest number not in use.
  mutating func insert(
    _ word: UInt64, birth: UInt16, budget: MemoryBudget
  ) throws(StorageError) -> UInt64 {
    let number = unused.firstSet(from: 0) ?? idCount
    if number == pages.count * entriesPerPage {
      try budget.require(entriesPerPage * Self.entryByteCount, for: .directory)
      heldByteCount += entriesPerPage * Self.entryByteCount
      pages.append(DirectoryPage(count: entriesPerPage))
    }
    if undoCount == nil { undoCount = idCount }
    if number == idCount {
      idCount += 1
    } else {
      unused.remove(number..<(number + 1))
    }
    set(number, word, birth)
    return UInt64(number)
  }

  /// Changes an entry that is in use; 0 takes the number out of use.
  mutating func update(_ number: UInt64, _ word: UInt64, birth: UInt16) {
    precondition(entry(number) != 0, "Node \(number) is in the directory.")
    if undoCount == nil { undoCount = idCount }
    let index = Int(number)
    if word == 0 { unused.insert(index..<(index + 1)) }
    set(index, word, birth)
  }

  private mutating func set(_ number: Int, _ word: UInt64, _ birth: UInt16) {
    let (page, line) = number.quotientAndRemainder(dividingBy: entriesPerPage)
    undo.append((number, pages[page].words[line], pages[page].births[line]))
    pages[page].words[line] = word
    pages[page].births[line] = birth
    dirtyPages.insert(page..<(page + 1))
  }

  /// The entries in use, by number.
  func forEachEntry(_ body: (_ number: Int, _ units: Range<Int>) -> Void) {
    for number in 0..<idCount {
      let word = entry(UInt64(number))
      if word == 0 { continue }
      let (start, count) = PackedExtent.unpack(word)
      body(number, Int(start)..<Int(start + count))
    }
  }

  /// Whether two directories have the same entries in the same places.
  func holdsSame(as other: NodeDirectory) -> Bool {
    pages == other.pages && levels == other.levels && idCount == other.idCount
  }

  mutating func commit() {
    undo.removeAll(keepingCapacity: true)
    undoCount = nil
  }

  mutating func rollback() {
    guard let undoCount else { return }
    for (number, word, birth) in undo.reversed() {
      pages[number / entriesPerPage].words[number % entriesPerPage] = word
      pages[number / entriesPerPage].births[number % entriesPerPage] = birth
      if word == 0 {
        unused.insert(number..<(number + 1))
      } else {
        unused.remove(number..<(number + 1))
      }
    }
    unused.remove(undoCount..<idCount)
    idCount = undoCount
    commit()
  }

  mutating func releaseMemory(_ budget: MemoryBudget) {
    budget.release(heldByteCount, for: .directory)
    heldByteCount = 0
  }

  // MARK: Writing

  /// Pages of each level above the leaves, for this many leaf pages.
  private func levelCounts(leafCount: Int) -> [Int] {
    if leafCount == 0 { return [] }
    var counts = [leafCount]
    while let last = counts.last, last > 1 { counts.append((last + pointersPerPage - 1) / pointersPerPage) }
    return counts
  }

  /// Finds new places for the dirty pages and those above them.
  func plan(for volume: Volume, _ staged: inout StagedUnits) throws(StorageError) -> DirectoryPlan {
    var plan = DirectoryPlan(newUnits: [])
    var dirty = dirtyPages
    for (level, count) in levelCounts(leafCount: pages.count).enumerated() {
      var units = [Int](repeating: 0, count: count)
      var above = UnitBitmap()
      for page in 0..<count {
        let old = level < levels.count && page < levels[level].count ? levels[level][page].unit : 0
        if old != 0 && !dirty.contains(page) { continue }
        units[page] = try volume.stage(1, in: &staged).lowerBound
        if old != 0 { staged.released.append(old..<(old + 1)) }
        above.insert(page / pointersPerPage..<(page / pointersPerPage + 1))
      }
      plan.newUnits.append(units)
      dirty = above
    }
    // A level that is no longer there cannot be: the number of leaf pages never shrinks.
    return plan
  }

  /// Adds the planned pages to a batch, leaves first, and puts the root into the superblock.
  mutating func write(
    _ plan: DirectoryPlan, for volume: Volume, _ next: inout Superblock, _ batch: inout TransferBatch
  ) {
    for (level, units) in plan.newUnits.enumerated() {
      if level == levels.count { levels.append([]) }
      while levels[level].count < units.count { levels[level].append(PagePointer()) }
      for (page, unit) in units.enumerated() where unit != 0 {
        let checksum = volume.appendBlock(
          unit..<(unit + 1), type: .directoryPage, cause: .nodeDirectory, to: &batch
        ) { payload in
          let image = ImageWriter(payload)
          if level == 0 {
            for (index, word) in pages[page].words.enumerated() { image.store(word, at: 8 * index) }
            let births = 8 * entriesPerPage
            for (index, birth) in pages[page].births.enumerated() {
              image.store(birth, at: births + 2 * index)
            }
            return Self.entryByteCount * entriesPerPage
          }
          let first = page * pointersPerPage
          let end = min(first + pointersPerPage, levels[level - 1].count)
          for child in first..<end {
            image.store(UInt64(levels[level - 1][child].unit), at: 16 * (child - first))
            image.store(levels[level - 1][child].checksum, at: 16 * (child - first) + 8)
          }
          return 16 * (end - first)
        }
        levels[level][page] = PagePointer(unit: unit, checksum: checksum)
      }
    }
    dirtyPages.removeAll()
    next.directoryHeight = levels.count
    next.directoryIDCount = idCount
    next.directoryRootUnit = levels.last?.first?.unit ?? 0
    next.directoryChecksum = levels.last?.first?.checksum ?? 0
  }

  // MARK: Reading

  /// Reads the directory that the volume's superblock names.
  mutating func load(from volume: Volume, cause: Cause) throws(StorageError) {
    let superblock = volume.superblock
    if superblock.directoryHeight == 0 { return }
    func bad(_ unit: Int, _ detail: String) -> StorageError {
      .corrupted(
        structure: "node directory page", offset: UInt64(unit) &* UInt64(transferUnitByteCount),
        detail: detail)
    }
    var pointers = [PagePointer(unit: superblock.directoryRootUnit, checksum: superblock.directoryChecksum)]
    levels = Array(repeating: [], count: superblock.directoryHeight)
    for level in (0..<superblock.directoryHeight).reversed() {
      levels[level] = pointers
      var below: [PagePointer] = []
      for (position, pointer) in pointers.enumerated() {
        let block = try volume.readOwnBlock(
          pointer.unit..<(pointer.unit + 1), type: .directoryPage, expecting: pointer.checksum, cause: cause)
        let image = ImageReader(block.payload)
        if level > 0 {
          let count = block.payloadByteCount / 16
          let isLast = position == pointers.count - 1
          guard block.payloadByteCount % 16 == 0, count > 0, isLast || count == pointersPerPage else {
            throw bad(pointer.unit, "\(block.payloadByteCount) bytes are no list of pages")
          }
          for child in 0..<count {
            let unit = image.load(UInt64.self, at: 16 * child)
            guard unit >= 2, unit < UInt64(volume.unitCount) else {
              throw bad(pointer.unit, "its page at unit \(unit) is not inside the volume")
            }
            below.append(PagePointer(unit: Int(unit), checksum: image.load(UInt32.self, at: 16 * child + 8)))
          }
          guard below.count <= volume.unitCount else {
            throw bad(pointer.unit, "it has more pages than the volume")
          }
          continue
        }
        guard block.payloadByteCount == Self.entryByteCount * entriesPerPage else {
          throw bad(pointer.unit, "\(block.payloadByteCount) bytes are not \(entriesPerPage) entries")
        }
        try volume.budget.require(entriesPerPage * Self.entryByteCount, for: .directory)
        heldByteCount += entriesPerPage * Self.entryByteCount
        var page = DirectoryPage(count: entriesPerPage)
        for index in 0..<entriesPerPage {
          let word = image.load(UInt64.self, at: 8 * index)
          page.words[index] = word
          page.births[index] = image.load(UInt16.self, at: 8 * entriesPerPage + 2 * index)
          let number = pages.count * entriesPerPage + index
          if word == 0 {
            if number < superblock.directoryIDCount { unused.insert(number..<(number + 1)) }
            continue
          }
          let (start, count) = PackedExtent.unpack(word)
          guard number < superblock.directoryIDCount, word >> 63 == 0, start >= 2, count > 0,
            count <= UInt64(volume.unitCount), start <= UInt64(volume.unitCount) - count
          else { throw bad(pointer.unit, "the entry of node \(number) names no extent of the volume") }
        }
        pages.append(page)
      }
      if level > 0 { pointers = below }
    }
    idCount = superblock.directoryIDCount
    guard idCount <= pages.count * entriesPerPage else {
      throw bad(superblock.directoryRootUnit, "\(idCount) nodes do not fit into \(pages.count) pages")
    }
  }
}

extension Volume {
  /// The directory as of the last commit, for a snapshot.
  ///
  /// Precondition: no transaction is open. Cost: one reference per 408 nodes now, a page when it changes.
  public func makeDirectorySnapshot() -> DirectorySnapshot {
    precondition(!transactionIsOpen, "A directory snapshot is taken between transactions.")
    return directory.snapshot
  }

  /// Numbers of mapped nodes in use.
  public var mappedNodeCount: Int { directory.usedCount }
}
