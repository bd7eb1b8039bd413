// Every amplification formula, as pure functions over counts.
//
//   write   transferred write bytes of some cause classes ÷ logical bytes written
//   read    read transfers, or their bytes, ÷ operations, or bytes returned
//   space   allocated bytes ÷ live logical bytes
//
// Invariants
// 1. No denominator, no number: a denominator of 0 gives nil, never 0 and never infinity.
// 2. Counts are *transferred* ones (after merging and rounding to the transfer unit), and are differences of
//    two states of one ledger: the window is the caller's to name.
// 3. The cause `verification` enters no amplification: it is inspection, not work.
// 4. wa_total − wa_data = log + metadata + padding, because each cause is of exactly one class.

/// A quotient of two counts, nil when the denominator is 0.
///
/// - Parameters:
///   - numerator: any count.
///   - denominator: any count.
/// - Returns: numerator ÷ denominator, correctly rounded once each count is a Double (exact below 2⁵³).
@inlinable public func quotient(_ numerator: UInt64, _ denominator: UInt64) -> Double? {
  denominator == 0 ? nil : Double(numerator) / Double(denominator)
}

extension IOLedger {
  /// What was transferred in `direction` for the workload: every cause but `verification`.
  public func workloadTotal(_ direction: Direction) -> IOCount {
    total(direction).subtracting(total(direction, .verification))
  }
}

/// Bytes written to the device for each logical byte written.
///
/// Logical bytes are Σ (key + value) over acknowledged puts and upserts (an upsert's value is its operand), the
/// key alone for deletes.
public enum WriteAmplification {
  /// `wa_data`: node, run and table bytes written ÷ logical bytes.
  ///
  /// - Parameters:
  ///   - ledger: what moved in the window (a difference of two ledgers).
  ///   - logicalWriteByteCount: logical bytes acknowledged in the window.
  public static func data(ledger: IOLedger, logicalWriteByteCount: UInt64) -> Double? {
    quotient(ledger.total(.write, CauseClass.data).transferredByteCount, logicalWriteByteCount)
  }

  /// `wa_total`: every byte written ÷ logical bytes; data, log, metadata and padding.
  public static func total(ledger: IOLedger, logicalWriteByteCount: UInt64) -> Double? {
    quotient(ledger.workloadTotal(.write).transferredByteCount, logicalWriteByteCount)
  }

  /// The share of one cause class in `wa_total`.
  public static func share(
    of causeClass: CauseClass, ledger: IOLedger, logicalWriteByteCount: UInt64
  ) -> Double? {
    var bytes = ledger.total(.write, causeClass).transferredByteCount
    if causeClass == Cause.verification.causeClass {
      bytes -= ledger.total(.write, Cause.verification).transferredByteCount
    }
    return quotient(bytes, logicalWriteByteCount)
  }

  /// `wa_flash`: bytes programmed by the flash-translation model ÷ logical bytes.
  public static func flash(programmedByteCount: UInt64, logicalWriteByteCount: UInt64) -> Double? {
    quotient(programmedByteCount, logicalWriteByteCount)
  }
}

/// Transfers and bytes read from the device for what operations returned.
public enum ReadAmplification {
  /// `ra_ios`: read transfers ÷ operations.
  public static func transfers(ledger: IOLedger, operationCount: UInt64) -> Double? {
    quotient(ledger.workloadTotal(.read).transferredOperationCount, operationCount)
  }

  /// `ra_bytes`: bytes read ÷ (key + value bytes returned); nil for misses, which return none.
  public static func bytes(ledger: IOLedger, returnedByteCount: UInt64) -> Double? {
    quotient(ledger.workloadTotal(.read).transferredByteCount, returnedByteCount)
  }

  /// `read_bytes_per_operation`: bytes read ÷ operations, for hits, misses and scans alike.
  public static func bytesPerOperation(ledger: IOLedger, operationCount: UInt64) -> Double? {
    quotient(ledger.workloadTotal(.read).transferredByteCount, operationCount)
  }

  /// `ra_struct`: nodes, runs or blocks inspected ÷ operations, cached or not.
  public static func inspections(inspectedCount: UInt64, operationCount: UInt64) -> Double? {
    quotient(inspectedCount, operationCount)
  }
}

/// Bytes held on the device for each live logical byte.
public enum SpaceAmplification {
  /// `sa_live`, `sa_peak`, `sa_settled`: allocated bytes (metadata included) ÷ live logical bytes.
  ///
  /// - Parameters:
  ///   - allocatedByteCount: allocated extents and metadata; for SQLite the sum of its file sizes, WAL included.
  ///   - liveLogicalByteCount: Σ (key + value) of the keys that exist.
  public static func ratio(allocatedByteCount: UInt64, liveLogicalByteCount: UInt64) -> Double? {
    quotient(allocatedByteCount, liveLogicalByteCount)
  }
}

/// Transfers charged under the models that charge each transfer alone.
public enum TransferCharge {
  /// `dam_ios_<B>`: the share of one transfer in Σ ⌈bytes ÷ B⌉.
  ///
  /// Source: Aggarwal and Vitter 1988, "The input/output complexity of sorting and related problems", section 1.
  ///
  /// - Parameters:
  ///   - transferByteCount: the transfer's bytes.
  ///   - blockByteCount: B, in bytes, at least 1.
  @inlinable public static func diskAccessModel(
    transferByteCount: UInt64, blockByteCount: UInt64
  ) -> UInt64 {
    precondition(blockByteCount > 0, "A block of the disk-access model is at least one byte.")
    return transferByteCount / blockByteCount + (transferByteCount % blockByteCount == 0 ? 0 : 1)
  }

  /// `affine_ms`: one transfer's s + t·bytes, every transfer paying s.
  ///
  /// Source: Bender et al. 2019, "Small Refinements to the DAM Can Have Big Consequences for Data-Structure
  /// Design", section 2 (definition of the affine model).
  ///
  /// - Parameters:
  ///   - transferByteCount: the transfer's bytes.
  ///   - setupMilliseconds: s, in milliseconds.
  ///   - millisecondsPerByte: t, in milliseconds per byte.
  @inlinable public static func affine(
    transferByteCount: UInt64, setupMilliseconds: Double, millisecondsPerByte: Double
  ) -> Double {
    setupMilliseconds + millisecondsPerByte * Double(transferByteCount)
  }
}

/// What the clock of the machine says, per operation.
public enum Throughput {
  /// `ops_per_s`: operations ÷ seconds; nil when no time passed.
  public static func operationsPerSecond(operationCount: UInt64, seconds: Double) -> Double? {
    seconds > 0 ? Double(operationCount) / seconds : nil
  }

  /// `cpu_us_per_operation`: (user + system) seconds × 10⁶ ÷ operations.
  public static func cpuMicrosecondsPerOperation(
    userSeconds: Double, systemSeconds: Double, operationCount: UInt64
  ) -> Double? {
    operationCount == 0 ? nil : (userSeconds + systemSeconds) * 1_000_000 / Double(operationCount)
  }
}
