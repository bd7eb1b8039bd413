// The command line: each command is one file beside this one.

import ArgumentParser

/// The root command.
@main
struct Betula: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "betula",
    abstract: "A laboratory for external-memory dictionaries.",
    discussion: """
      Start with:  betula run Experiments/quickstart

      Exit status: 0 done; 1 a run failed or gave a wrong answer, or an image is damaged; with --check-claims \
      2 a claim is not held, 3 one cannot be decided; 64 wrong usage; 65 mistakes in a study or a bad \
      record; 66 a file that is not there; 69 a run that cannot fit; 74 the file system refused; 130 interrupted.
      """,
    version: "0.1.0",
    subcommands: [
      RunCommand.self, PlanCommand.self, ReportCommand.self, CompareCommand.self, EnginesCommand.self,
      ExplainCommand.self, SchemaCommand.self, ConformanceCommand.self, CrashCommand.self,
      StressCommand.self, TraceCommand.self, StreamCommand.self, InspectCommand.self, VerifyCommand.self,
      DoctorCommand.self, WorkerCommand.self,
    ])
}
