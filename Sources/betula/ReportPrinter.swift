import Report
struct ReportPrinter { var directory: String; var json: Bool; var quiet: Bool; func run() throws {} }
