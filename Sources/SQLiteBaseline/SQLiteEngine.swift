// SQLite behind the engine contract, on the device that counts: what every engine here is compared with.
//
//   apply ─▶ BEGIN … upserts, deletes … COMMIT ─▶ SQLite ─▶ VFS ─▶ FileSpace ─▶ channel ─▶ device
//   table    records (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID
//
// When a commit is durable (`synchronous: auto`)
//   journal       sync_every_commits   setting                      durability class
//   wal           0                    NORMAL                       at_checkpoints
//   wal           1                    FULL                         each_commit
//   wal           n                    NORMAL, every n-th FULL      every_n_commits
//   delete        any                  EXTRA                        each_commit (FULL: a crash may undo the last one,
//                                                                   because the deletion is not synced: every_2)
//   truncate, persist  any             FULL                         each_commit
//   memory, off   0                    OFF                          none
//
// Invariants
// 1. A batch is one transaction; when it throws, it is rolled back or the device is poisoned.
// 2. Memory: page cache + overhead + the file space's buffers are reserved before anything is opened.
// 3. Same operations, same seed: the same bytes on the device.
//
// Limits
// - SQLite has no page checksums: it finds damage that breaks its structure, not a changed byte of a value.
// - A snapshot needs a second connection, which exclusive locking rules out.

import Accounting
import CSQLite
import KeyValue
import Primitives
import Storage

/// SQLite as an engine.
public final class SQLiteEngine: Engine {
  /// Name, parameters and version for the catalogue.
  public static let descriptor = EngineDescriptor(
    name: "sqlite",
    summary: "SQLite \(String(cString: sqlite3_libversion())), a WITHOUT ROWID table on the counted device.",
    parameters: SQLiteParameters.descriptors, formatVersion: 1, detectsDamage: false,
    limits: { setting throws(EngineError) in try SQLiteParameters.limits(setting) },
    costs: { setting in
      EngineCostShape(
        .pageTree(.init(pageByteCount: setting.parameters.integer("page_bytes"), copies: 3, reads: 2)),
        spaceFactor: 1.25, writeSeconds: 6e-6, readSeconds: 4e-6, entrySeconds: 0.6e-6)
    })

  /// Opens SQLite on the environment's device.
  ///
  /// - Throws: `.invalidParameters` when budget and parameters do not go together, `.storage`, `.guest`.
  public static func open(
    _ environment: EngineEnvironment, parameters: ParameterSet
  ) throws(EngineError) -> SQLiteEngine {
    let device = environment.channel.device
    let setting = EngineSetting(
      parameters: parameters, memoryBudgetByteCount: environment.budget.availableByteCount,
      transferUnitByteCount: device.transferUnitByteCount, capacityByteCount: device.capacityByteCount,
      syncEveryCommits: environment.syncEveryCommits)
    return try SQLiteEngine(environment, SQLiteParameters(setting))
  }

  /// What its descriptor declares for this setting.
  public let limits: EngineLimits

  /// From `synchronous` and `journal_mode` as SQLite reports them.
  public private(set) var durabilityClass = DurabilityClass.none

  private let parameters: SQLiteParameters
  private let budget: MemoryBudget
  private var heldByteCount = 0
  private var space: FileSpace?
  private var guest: GuestFiles?
  private var connection: SQLiteConnection?
  private var randomness: GuestRandomness
  private var statements = Statements()
  private var value = ValueBuffer()
  private var openCursors: ContiguousArray<Unmanaged<SQLiteCursor>> = []
  private var cursorStatements: [[OpaquePointer]]
  private var appliedBatchCount: UInt64 = 0
  private let controlPath: String?

  private struct Statements {
    var begin: OpaquePointer?
    var commit: OpaquePointer?
    var put: OpaquePointer?
    var get: OpaquePointer?
    var delete: OpaquePointer?
    var deleteRange: OpaquePointer?

    var all: [OpaquePointer] { [begin, commit, put, get, delete, deleteRange].compactMap { $0 } }
  }

  // MARK: Opening and closing

  private init(_ environment: EngineEnvironment, _ parameters: SQLiteParameters) throws(EngineError) {
    self.parameters = parameters
    budget = environment.budget
    limits = parameters.limits
    cursorStatements = Array(repeating: [], count: SQLiteCursor.Shape.allCases.count)
    controlPath = parameters.usesFileSpace ? nil : ControlFiles.path(for: environment.channel.device)
    randomness = GuestRandomness(seed: environment.seed, opening: 0)
    do {
      if parameters.usesFileSpace {
        let configuration = FileSpaceConfiguration(
          chunkByteCount: parameters.chunkByteCount, gatherByteCount: parameters.gatherByteCount)
        let space = try Self.storage { () throws(StorageError) in
          try FileSpace(
            channel: environment.channel, budget: environment.budget, configuration: configuration,
            formats: environment.creates)
        }
        self.space = space
        guest = GuestFiles(
          space: space, pageByteCount: parameters.pageByteCount,
          isPowersafeOverwrite: parameters.powersafeOverwrite)
        randomness = GuestRandomness(seed: environment.seed, opening: space.generation)
      } else if environment.creates, let controlPath {
        ControlFiles.remove(controlPath)
      }
      let needed = parameters.cacheByteCount + SQLiteParameters.overheadByteCount
      try Self.storage { () throws(StorageError) in try environment.budget.require(needed, for: .guest) }
      heldByteCount = needed
      try RandomnessTurn.with(&randomness) { () throws(EngineError) in
        try connect(creates: environment.creates)
      }
    } catch {
      abandon()
      throw error
    }
  }

  deinit { abandon() }

  private static func storage<Result>(_ body: () throws(StorageError) -> Result) throws(EngineError) -> Result
  {
    do { return try body() } catch { throw .storage(error) }
  }

  private func connect(creates: Bool) throws(EngineError) {
    let connection = try SQLiteConnection(path: controlPath ?? "main.db", guest: guest, creates: creates)
    self.connection = connection
    // Before the first read: the log then needs no shared memory.
    try connection.run("PRAGMA locking_mode=\(parameters.lockingMode)")
    try connection.run("PRAGMA mmap_size=0")
    try connection.run("PRAGMA temp_store=MEMORY")
    if creates {
      try connection.run("PRAGMA page_size=\(parameters.pageByteCount)")
      try connection.run("PRAGMA auto_vacuum=NONE")
    }
    // Negative: KiB of memory, SQLite's own page overhead included.
    try connection.run("PRAGMA cache_size=-\(parameters.cacheKibibyteCount)")
    try connection.run("PRAGMA cache_spill=\(parameters.cacheSpill ? "ON" : "OFF")")
    try connection.run("PRAGMA secure_delete=\(parameters.secureDelete ? "ON" : "OFF")")
    let mode = try connection.value("PRAGMA journal_mode=\(parameters.journalMode)")
    guard mode == parameters.journalMode else {
      throw .invalidParameters(reason: "SQLite runs journal_mode \(mode), not \(parameters.journalMode)")
    }
    try connection.run("PRAGMA wal_autocheckpoint=\(parameters.autocheckpointPageCount)")
    try connection.run("PRAGMA synchronous=FULL")
    if creates { try connection.run("CREATE TABLE records (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID") }
    let pageByteCount = try connection.value("PRAGMA page_size")
    guard pageByteCount == String(parameters.pageByteCount) else {
      // A crash while formatting may leave a file without the table, of SQLite's own page size.
      if try connection.value("SELECT count(*) FROM sqlite_schema WHERE name = 'records'") == "0" {
        throw .storage(.notFound(what: "table 'records' in the SQLite database"))
      }
      throw .invalidParameters(
        reason:
          "the database has pages of \(pageByteCount) bytes, page_bytes says \(parameters.pageByteCount)")
    }
    if creates { try makeDurable(truncatesLog: true) }
    try connection.run("PRAGMA synchronous=\(parameters.synchronous)")
    do throws(EngineError) {
      try prepareStatements(connection)
    } catch .guest(SQLITE_ERROR, let message) where !creates {
      throw .storage(.corrupted(structure: "SQLite schema", offset: 0, detail: message))
    }
    durabilityClass = try readDurabilityClass(connection)
  }

  private func prepareStatements(_ connection: SQLiteConnection) throws(EngineError) {
    statements.begin = try connection.prepare("BEGIN IMMEDIATE")
    statements.commit = try connection.prepare("COMMIT")
    statements.put = try connection.prepare(
      "INSERT INTO records (k, v) VALUES (?1, ?2) ON CONFLICT (k) DO UPDATE SET v = excluded.v")
    statements.get = try connection.prepare("SELECT v FROM records WHERE k = ?1")
    statements.delete = try connection.prepare("DELETE FROM records WHERE k = ?1")
    statements.deleteRange = try connection.prepare("DELETE FROM records WHERE k >= ?1 AND k < ?2")
  }

  private func readDurabilityClass(_ connection: SQLiteConnection) throws(EngineError) -> DurabilityClass {
    let mode = try connection.value("PRAGMA journal_mode")
    let synchronous = try connection.value("PRAGMA synchronous")
    switch (mode, synchronous) {
    case ("memory", _), ("off", _), (_, "0"): return .none
    case ("wal", "1"):
      let every = parameters.syncEveryCommits
      return parameters.isSynchronousAutomatic && every > 0 ? .everyCommits(every) : .atCheckpoints
    case ("delete", "2"): return .everyCommits(2)
    // A rollback journal under NORMAL: SQLite's own words are that a crash at just the wrong time might corrupt it.
    case (_, "1"): return .none
    default: return .everyCommits(1)
    }
  }

  /// Gives everything back without writing.
  private func abandon() {
    endCursors()
    for statement in statements.all { sqlite3_finalize(statement) }
    statements = Statements()
    for pool in cursorStatements { for statement in pool { sqlite3_finalize(statement) } }
    cursorStatements = Array(repeating: [], count: SQLiteCursor.Shape.allCases.count)
    connection = nil
    guest = nil
    space = nil
    if heldByteCount > 0 { budget.release(heldByteCount, for: .guest) }
    heldByteCount = 0
  }

  /// Checkpoints, truncates the log, and gives files and memory back.
  public func close() throws(EngineError) {
    let connection = try usable()
    defer { abandon() }
    endCursors()
    try RandomnessTurn.with(&randomness) { () throws(EngineError) in
      try makeDurable(truncatesLog: true)
      for statement in statements.all { sqlite3_finalize(statement) }
      statements = Statements()
      for pool in cursorStatements { for statement in pool { sqlite3_finalize(statement) } }
      cursorStatements = Array(repeating: [], count: SQLiteCursor.Shape.allCases.count)
      try connection.close()
    }
    if let space { try Self.storage { () throws(StorageError) in try space.close() } }
  }

  private func usable() throws(EngineError) -> SQLiteConnection {
    guard let connection else { throw .storage(.closed) }
    return connection
  }

  // MARK: Writing

  /// Applies a batch as one transaction.
  public func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    let connection = try usable()
    try batch.check(against: limits)
    endCursors()
    let syncsThisOne = sync && parameters.isSynchronousAutomatic && parameters.journalMode == "wal"
    let switches = syncsThisOne && parameters.synchronous == "normal"
    try RandomnessTurn.with(&randomness) { () throws(EngineError) in
      if switches { try connection.run("PRAGMA synchronous=FULL") }
      do throws(EngineError) {
        try perform(batch, connection)
        if switches { try connection.run("PRAGMA synchronous=NORMAL") }
      } catch {
        rollBack(connection)
        throw error
      }
      // A commit that changed nothing syncs nothing, also not the commits before it.
      if syncsThisOne, let space, space.hasUnsyncedChanges {
        try Self.storage { () throws(StorageError) in try space.syncAll(cause: .walLeaf) }
      }
    }
    appliedBatchCount += 1
  }

  private func rollBack(_ connection: SQLiteConnection) {
    for statement in statements.all { sqlite3_reset(statement) }
    // SQLite may have rolled back already; when the device is poisoned this fails as well, and the error that
    // caused it is the one thrown.
    if !connection.isIdle { sqlite3_exec(connection.handle, "ROLLBACK", nil, nil, nil) }
    if parameters.synchronous == "normal" && parameters.isSynchronousAutomatic {
      sqlite3_exec(connection.handle, "PRAGMA synchronous=NORMAL", nil, nil, nil)
    }
    _ = guest?.takeError()
  }

  private func perform(_ batch: borrowing WriteBatch, _ connection: SQLiteConnection) throws(EngineError) {
    guard let begin = statements.begin, let commit = statements.commit, let put = statements.put,
      let delete = statements.delete, let deleteRange = statements.deleteRange
    else { throw .storage(.closed) }
    try step(begin, connection)
    for entry in batch.entries {
      let key = batch.key(of: entry)
      let operand = batch.operand(of: entry)
      switch entry.kind {
      case .put:
        betula_bind_borrowed(put, 1, key.baseAddress, Int32(key.count))
        betula_bind_borrowed(put, 2, operand.baseAddress, Int32(operand.count))
        try step(put, connection)
      case .delete:
        betula_bind_borrowed(delete, 1, key.baseAddress, Int32(key.count))
        try step(delete, connection)
      case .deleteRange:
        betula_bind_borrowed(deleteRange, 1, key.baseAddress, Int32(key.count))
        betula_bind_borrowed(deleteRange, 2, operand.baseAddress, Int32(operand.count))
        try step(deleteRange, connection)
      case .add, .append, .patch:
        try load(key, connection)
        value.apply(entry.kind, operand: operand, maximumValueByteCount: limits.maximumValueByteCount)
        betula_bind_borrowed(put, 1, key.baseAddress, Int32(key.count))
        betula_bind_borrowed(put, 2, value.bytes.baseAddress, Int32(value.bytes.count))
        try step(put, connection)
      }
    }
    try step(commit, connection)
  }

  /// Runs a statement to its end and readies it for the next.
  private func step(_ statement: OpaquePointer, _ connection: SQLiteConnection) throws(EngineError) {
    let code = sqlite3_step(statement)
    if code != SQLITE_DONE {
      let error = connection.error(code)
      sqlite3_reset(statement)
      throw error
    }
    sqlite3_reset(statement)
    if guest?.hasError == true { try connection.check(SQLITE_OK) }
  }

  /// Copies the present value of `key`, or nothing, into `value`.
  private func load(_ key: UnsafeRawBufferPointer, _ connection: SQLiteConnection) throws(EngineError) {
    guard let get = statements.get else { throw .storage(.closed) }
    betula_bind_borrowed(get, 1, key.baseAddress, Int32(key.count))
    let code = sqlite3_step(get)
    value.makeAbsent()
    if code == SQLITE_ROW {
      value.assign(
        UnsafeRawBufferPointer(start: sqlite3_column_blob(get, 0), count: Int(sqlite3_column_bytes(get, 0))))
    }
    let error = code == SQLITE_ROW || code == SQLITE_DONE ? nil : connection.error(code)
    sqlite3_reset(get)
    if let error { throw error }
  }

  // MARK: Reading

  /// Looks a key up; the value is SQLite's own memory.
  public func get(_ key: RawSpan, _ body: (RawSpan) -> Void) throws(EngineError) -> Bool {
    let connection = try usable()
    guard let get = statements.get else { throw .storage(.closed) }
    return try key.withUnsafeBytes { (key: UnsafeRawBufferPointer) throws(EngineError) -> Bool in
      betula_bind_borrowed(get, 1, key.baseAddress, Int32(key.count))
      let code = sqlite3_step(get)
      guard code == SQLITE_ROW || code == SQLITE_DONE else {
        let error = connection.error(code)
        sqlite3_reset(get)
        throw error
      }
      if code == SQLITE_ROW {
        body(
          UnsafeRawBufferPointer(
            start: sqlite3_column_blob(get, 0), count: Int(sqlite3_column_bytes(get, 0))
          ).bytes)
      }
      sqlite3_reset(get)
      return code == SQLITE_ROW
    }
  }

  /// A walk over a range; it ends with the next write.
  public func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    _ = try usable()
    return SQLiteCursor(self, range, order)
  }

  /// Not offered.
  public func makeSnapshot() throws(EngineError) -> any ReadView {
    throw .unsupported(
      what: "a snapshot",
      reason: "SQLite would need a second connection, and its log runs under exclusive locking")
  }

  /// A statement of a shape for a cursor, used before or new.
  func takeCursorStatement(_ shape: SQLiteCursor.Shape) throws(EngineError) -> OpaquePointer {
    let connection = try usable()
    if let statement = cursorStatements[shape.rawValue].popLast() { return statement }
    return try connection.prepare(shape.sql)
  }

  func giveBack(_ statement: OpaquePointer, _ shape: SQLiteCursor.Shape) {
    sqlite3_reset(statement)
    sqlite3_clear_bindings(statement)
    cursorStatements[shape.rawValue].append(statement)
  }

  func began(_ cursor: SQLiteCursor) { openCursors.append(.passUnretained(cursor)) }

  func ended(_ cursor: SQLiteCursor) {
    let opaque = Unmanaged.passUnretained(cursor).toOpaque()
    openCursors.removeAll { $0.toOpaque() == opaque }
  }

  func check(_ code: Int32) throws(EngineError) { try usable().check(code) }

  /// Ends every cursor's read transaction: a write needs the log for itself.
  private func endCursors() {
    while let cursor = openCursors.last { cursor.takeUnretainedValue().end() }
  }

  // MARK: Phase verbs

  /// Copies the whole log into the database; in rollback modes everything is there already.
  public func checkpoint() throws(EngineError) {
    _ = try usable()
    endCursors()
    try RandomnessTurn.with(&randomness) { () throws(EngineError) in try makeDurable(truncatesLog: false) }
  }

  /// Checkpoints and cuts the log to nothing.
  public func settle() throws(EngineError) {
    _ = try usable()
    endCursors()
    try RandomnessTurn.with(&randomness) { () throws(EngineError) in try makeDurable(truncatesLog: true) }
  }

  private func makeDurable(truncatesLog: Bool) throws(EngineError) {
    let connection = try usable()
    if parameters.journalMode == "wal" {
      var logFrameCount: Int32 = 0
      var copiedFrameCount: Int32 = 0
      try connection.check(
        sqlite3_wal_checkpoint_v2(
          connection.handle, "main", truncatesLog ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_FULL,
          &logFrameCount, &copiedFrameCount))
    }
    // Under `synchronous` OFF SQLite asked for no sync.
    if let space, space.hasUnsyncedChanges {
      try Self.storage { () throws(StorageError) in try space.syncAll(cause: .databaseHeader) }
    }
  }

  /// Frees every page of the cache that is clean and not in use. Writes nothing.
  public func dropCache() throws(EngineError) {
    let connection = try usable()
    endCursors()
    try connection.check(sqlite3_db_release_memory(connection.handle))
  }

  // MARK: Reports

  /// The sizes of SQLite's files, the log included; the space's own directory is in none of them.
  public func spaceReport() throws(EngineError) -> SpaceReport {
    let connection = try usable()
    guard let space else {
      let pages = UInt64(try connection.value("PRAGMA page_count")) ?? 0
      let byteCount = pages * UInt64(parameters.pageByteCount)
      return SpaceReport(
        allocatedByteCount: byteCount, parts: [SpaceReport.Part(name: "database", byteCount: byteCount)])
    }
    var parts: [SpaceReport.Part] = []
    for file in space.files {
      let name =
        file.name.hasSuffix("-wal") ? "log" : file.name.hasSuffix("-journal") ? "journal" : "database"
      parts.append(SpaceReport.Part(name: name, byteCount: file.byteCount))
    }
    parts.sort { $0.name < $1.name }
    return SpaceReport(
      allocatedByteCount: parts.reduce(0) { $0 + $1.byteCount }, parts: parts,
      largestFreeExtentByteCount: space.space.largestFreeExtentByteCount)
  }

  /// Pragmas and compile options as SQLite reports them.
  public func settingsReadBack() -> [(name: String, value: String)] {
    guard let connection else { return [] }
    func read(_ sql: String) -> String {
      do { return try connection.rows(sql).map { $0.joined(separator: " ") }.joined(separator: " ") } catch {
        return "unreadable: \(error)"
      }
    }
    var settings: [(name: String, value: String)] = []
    for name in SQLiteParameters.reportedPragmas {
      let value = read("PRAGMA \(name)")
      // SQLite answers nothing about memory mapping when the VFS has none.
      settings.append((name, name == "mmap_size" && value.isEmpty ? "0" : value))
    }
    settings.append(("cache_byte_limit", String(parameters.cacheByteCount)))
    settings.append(("compile_options", read("PRAGMA compile_options")))
    settings.append(("durability_class", durabilityClass.description))
    settings.append(("library_version", String(cString: sqlite3_libversion())))
    settings.append(("source_id", String(cString: sqlite3_sourceid())))
    if space != nil {
      settings.append(("chunk_bytes", String(space?.chunkByteCount ?? 0)))
      settings.append(("gather_bytes", String(parameters.gatherByteCount)))
      settings.append(("powersafe_overwrite", String(parameters.powersafeOverwrite)))
      settings.append(("sector_size", String(GuestClassifier.sectorByteCount)))
      settings.append(("vfs", "betula"))
    } else {
      settings.append(("vfs", "unix: files of its own in the page cache, no transfer is counted"))
    }
    return settings.sorted { $0.name < $1.name }
  }

  /// The connection's own counters. SQLite's marks of memory are of the whole process, other engines included, so they
  /// would not be the same twice and are left out.
  public func statistics() -> [(name: String, value: UInt64)] {
    guard let connection else { return [] }
    return [
      ("batches_applied", appliedBatchCount),
      ("cache_hits", connection.status(SQLITE_DBSTATUS_CACHE_HIT)),
      ("cache_misses", connection.status(SQLITE_DBSTATUS_CACHE_MISS)),
      ("cache_spills", connection.status(SQLITE_DBSTATUS_CACHE_SPILL)),
      ("cache_used_bytes", connection.status(SQLITE_DBSTATUS_CACHE_USED)),
      ("cache_writes", connection.status(SQLITE_DBSTATUS_CACHE_WRITE)),
      ("directory_generation", space?.generation ?? 0),
      ("schema_used_bytes", connection.status(SQLITE_DBSTATUS_SCHEMA_USED)),
      ("statement_used_bytes", connection.status(SQLITE_DBSTATUS_STMT_USED)),
    ]
  }

  /// SQLite's integrity check and the file space's own; their reads have the cause `verification`.
  public func verify() throws(EngineError) {
    let connection = try usable()
    endCursors()
    guest?.classifier.override = .verification
    defer { guest?.classifier.override = nil }
    let findings = try connection.rows("PRAGMA integrity_check")
    guard findings == [["ok"]] else {
      throw .storage(
        .corrupted(structure: "SQLite database", offset: 0, detail: findings.first?.first ?? "no answer"))
    }
    if let space { try Self.storage { () throws(StorageError) in try space.verify() } }
  }
}
