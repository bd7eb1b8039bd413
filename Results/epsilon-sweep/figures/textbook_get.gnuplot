# Reads of a cold query: measured, and the textbook's log_B N / ε
# Draw again with: gnuplot textbook_get.gnuplot
# Reads textbook_get.csv, writes textbook_get.svg and textbook_get.png.

data = 'textbook_get.csv'
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
set rmargin at screen 0.6910
set tmargin at screen 0.8085
set bmargin at screen 0.1348
set key off
is(s) = stringcolumn('line') eq s
unset logscale x
set xrange [0.0:1.03]
set xtics ('0.0' 0.0, '0.2' 0.2, '0.4' 0.4, '0.6' 0.6000000000000001, '0.8' 0.8, '1.0' 1.0)
set xlabel 'ε' noenhanced
unset logscale y
set yrange [0.0:20.78621890290302]
set ytics ('0' 0.0, '5' 5.0, '10' 10.0, '15' 15.0, '20' 20.0)
set ylabel 'Device reads per operation' noenhanced
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,564 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,564 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'textbook_get.'.kind
  unset label
  unset object
  set label 1 'Reads of a cold query: measured, and the textbook''s log_B N / ε' at screen 0.016, screen 0.9539 left noenhanced font ',22'
  set label 2 '800,000 records · batch 100 · durability prefix, at_checkpoints · memory 8 MiB · seed 5103132997656651' at screen 0.016, screen 0.9043 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.8670 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.7090, screen 0.7837 to screen 0.7310, screen 0.7908 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label '' at screen 0.7200, screen 0.7872 front point pointtype 7 pointsize 1.1 linecolor rgb '#cc79a7'
  set label 'be-256k: 1.07' at screen 0.7390, screen 0.7872 left noenhanced font ',16'
  set object rectangle from screen 0.7090, screen 0.7411 to screen 0.7310, screen 0.7482 front fillcolor rgb '#f0e442' fillstyle solid noborder
  set label '' at screen 0.7200, screen 0.7447 front point pointtype 7 pointsize 1.1 linecolor rgb '#f0e442'
  set label 'be-16k: 0.967' at screen 0.7390, screen 0.7447 left noenhanced font ',16'
  set object rectangle from screen 0.7090, screen 0.6986 to screen 0.7310, screen 0.7057 front fillcolor rgb '#56b4e9' fillstyle solid noborder
  set label '' at screen 0.7200, screen 0.7021 front point pointtype 7 pointsize 1.1 linecolor rgb '#56b4e9'
  set label 'be-64k: 0.943' at screen 0.7390, screen 0.7021 left noenhanced font ',16'
  set object rectangle from screen 0.7090, screen 0.6560 to screen 0.7180, screen 0.6631 front fillcolor rgb '#444444' fillstyle solid noborder
  set object rectangle from screen 0.7220, screen 0.6560 to screen 0.7310, screen 0.6631 front fillcolor rgb '#444444' fillstyle solid noborder
  set label 'model be_tree_textbook_get' at screen 0.7390, screen 0.6596 left noenhanced font ',16'
  plot \
    data using (is('be-16k') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#f0e442', \
    data using (is('be-16k') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#f0e442', \
    data using (is('be-64k') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#56b4e9', \
    data using (is('be-64k') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#56b4e9', \
    data using (is('be-256k') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#cc79a7', \
    data using (is('be-256k') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#cc79a7'
  unset output
}
