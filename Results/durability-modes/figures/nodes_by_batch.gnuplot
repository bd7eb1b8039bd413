# Nodes written for an update, by operations per durable commit
# Draw again with: gnuplot nodes_by_batch.gnuplot
# Reads nodes_by_batch.csv, writes nodes_by_batch.svg and nodes_by_batch.png.

data = 'nodes_by_batch.csv'
set datafile separator comma
set datafile columnheaders
set encoding utf8
set style fill solid 1.0 noborder
set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
set border 3 linecolor rgb '#666666'
set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
# Three digits that matter and a unit of thousands.
grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
set lmargin at screen 0.1040
set rmargin at screen 0.6820
set tmargin at screen 0.8398
set bmargin at screen 0.1400
set key off
is(s) = stringcolumn('line') eq s
set logscale x 10
set xrange [1.0:1030.0]
set xtics ('1' 1.0, '3' 3.0, '10' 10.0, '30' 30.0, '100' 100.0, '300' 300.0, '1,000' 1000.0)
set xlabel 'batch operations, log scale' noenhanced
set logscale y 10
set yrange [0.002:1.0895360426616871]
set ytics ('0.003' 0.003, '0.01' 0.01, '0.03' 0.03, '0.1' 0.1, '0.3' 0.3, '1' 1.0)
set ylabel 'Node writes per operation, log scale' noenhanced
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,543 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,543 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'nodes_by_batch.'.kind
  unset label
  unset object
  set label 1 'Nodes written for an update, by operations per durable commit' at screen 0.016, screen 0.9521 left noenhanced font ',22'
  set label 2 '100,000 records · durability each_commit · memory 256 MiB · seed 5103132997656651 · memory device' at screen 0.016, screen 0.9006 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.7000, screen 0.8140 to screen 0.7220, screen 0.8214 front fillcolor rgb '#e69f00' fillstyle solid noborder
  set label '' at screen 0.7110, screen 0.8177 front point pointtype 7 pointsize 1.1 linecolor rgb '#e69f00'
  set label 'bepsilon-copy: 0.021' at screen 0.7300, screen 0.8177 left noenhanced font ',16'
  set object rectangle from screen 0.7000, screen 0.7698 to screen 0.7220, screen 0.7772 front fillcolor rgb '#7f5700' fillstyle solid noborder
  set label '' at screen 0.7110, screen 0.7735 front point pointtype 7 pointsize 1.1 linecolor rgb '#7f5700'
  set label 'bepsilon-log: 0.016' at screen 0.7300, screen 0.7735 left noenhanced font ',16'
  set object rectangle from screen 0.7000, screen 0.7256 to screen 0.7220, screen 0.7330 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label '' at screen 0.7110, screen 0.7293 front point pointtype 7 pointsize 1.1 linecolor rgb '#d55e00'
  set label 'copy-256k: 0.00485' at screen 0.7300, screen 0.7293 left noenhanced font ',16'
  set object rectangle from screen 0.7000, screen 0.6814 to screen 0.7220, screen 0.6888 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label '' at screen 0.7110, screen 0.6851 front point pointtype 7 pointsize 1.1 linecolor rgb '#cc79a7'
  set label 'log-256k: 0.00390' at screen 0.7300, screen 0.6851 left noenhanced font ',16'
  set object rectangle from screen 0.7000, screen 0.6372 to screen 0.7090, screen 0.6446 front fillcolor rgb '#444444' fillstyle solid noborder
  set object rectangle from screen 0.7130, screen 0.6372 to screen 0.7220, screen 0.6446 front fillcolor rgb '#444444' fillstyle solid noborder
  set label 'model be_tree_durable_nodes' at screen 0.7300, screen 0.6409 left noenhanced font ',16'
  plot \
    data using (is('bepsilon-log') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#7f5700', \
    data using (is('bepsilon-log') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#7f5700', \
    data using (is('bepsilon-copy') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#e69f00', \
    data using (is('bepsilon-copy') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#e69f00', \
    data using (is('log-256k') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#cc79a7', \
    data using (is('log-256k') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#cc79a7', \
    data using (is('copy-256k') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#d55e00', \
    data using (is('copy-256k') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#d55e00'
  unset output
}
