// Why the program ended, as a number a script can act on. The values above 63 are those of sysexits.h.

import ArgumentParser
import Experiment
import Foundation
import Report
import Results

/// Exit codes.
enum ExitStatus {
  static let runFailed = ExitCode(1)
  static let badData = ExitCode(65)
  static let noInput = ExitCode(66)
  static let cannotFit = ExitCode(69)
  static let fileSystem = ExitCode(74)
  static let interrupted = ExitCode(130)
}

/// Prints a message for people on standard error.
func complain(_ message: String) {
  FileHandle.standardError.write(Data("betula: \(message)\n".utf8))
}

/// Runs `body`, turning the errors a user can meet into a message and an exit code.
func withUserErrors<Result>(_ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let problems as StudyProblems {
    complain("\(problems)")
    throw problems.areMissingFile ? ExitStatus.noInput : ExitStatus.badData
  } catch let error as RecordError {
    complain("\(error)")
    throw error.isOfFileSystem ? ExitStatus.fileSystem : ExitStatus.badData
  } catch let error as ReportError {
    complain("\(error)")
    throw error.isOfFileSystem ? ExitStatus.fileSystem : ExitStatus.badData
  } catch let interrupted as RunInterrupted {
    complain("interrupted; \(interrupted.remains)")
    throw ExitStatus.interrupted
  } catch let failure as SweepFailure {
    complain("\(failure)")
    throw ExitStatus.fileSystem
  }
}

extension StudyProblems {
  /// Whether the only problem is that there is no such file.
  fileprivate var areMissingFile: Bool {
    problems.count == 1 && problems[0].message == "there is no such study file"
  }
}

extension RecordError {
  /// Whether the file system refused, rather than a file being wrong.
  fileprivate var isOfFileSystem: Bool {
    if case .unusable = self { return true }
    return false
  }
}

extension ReportError {
  /// Whether the file system refused, rather than a record being wrong.
  fileprivate var isOfFileSystem: Bool {
    switch self {
    case .record(let error): error.isOfFileSystem
    case .unusable: true
    case .unknownFigure, .nothingToShow: false
    }
  }
}
