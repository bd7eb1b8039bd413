# How often a cold query reads, by ε
# Draw again with: gnuplot get_reads.gnuplot
# Reads get_reads.csv, writes get_reads.svg and get_reads.png.

data = 'get_reads.csv'
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
set rmargin at screen 0.7840
set tmargin at screen 0.8085
set bmargin at screen 0.1348
set key off
is(s) = stringcolumn('line') eq s
unset logscale x
set xrange [0.0:1.03]
set xtics ('0.0' 0.0, '0.2' 0.2, '0.4' 0.4, '0.6' 0.6000000000000001, '0.8' 0.8, '1.0' 1.0)
set xlabel 'ε' noenhanced
unset logscale y
set yrange [0.0:4.042522]
set ytics ('0' 0.0, '1' 1.0, '2' 2.0, '3' 3.0, '4' 4.0)
set ylabel 'Device reads per operation' noenhanced
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,564 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,564 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'get_reads.'.kind
  unset label
  unset object
  set label 1 'How often a cold query reads, by ε' at screen 0.016, screen 0.9539 left noenhanced font ',22'
  set label 2 '800,000 records · batch 100 · durability prefix, at_checkpoints · memory 8 MiB · seed 5103132997656651' at screen 0.016, screen 0.9043 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.8670 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.8020, screen 0.7837 to screen 0.8060, screen 0.7908 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set object rectangle from screen 0.8110, screen 0.7837 to screen 0.8150, screen 0.7908 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set object rectangle from screen 0.8200, screen 0.7837 to screen 0.8240, screen 0.7908 front fillcolor rgb '#0072b2' fillstyle solid noborder
  set label 'sqlite: 1.34' at screen 0.8320, screen 0.7872 left noenhanced font ',16'
  set object rectangle from screen 0.8020, screen 0.7411 to screen 0.8240, screen 0.7482 front fillcolor rgb '#cc79a7' fillstyle solid noborder
  set label '' at screen 0.8130, screen 0.7447 front point pointtype 7 pointsize 1.1 linecolor rgb '#cc79a7'
  set label 'be-256k: 1.07' at screen 0.8320, screen 0.7447 left noenhanced font ',16'
  set object rectangle from screen 0.8020, screen 0.6986 to screen 0.8060, screen 0.7057 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set object rectangle from screen 0.8110, screen 0.6986 to screen 0.8150, screen 0.7057 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set object rectangle from screen 0.8200, screen 0.6986 to screen 0.8240, screen 0.7057 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label 'btree: 0.988' at screen 0.8320, screen 0.7021 left noenhanced font ',16'
  set object rectangle from screen 0.8020, screen 0.6560 to screen 0.8240, screen 0.6631 front fillcolor rgb '#f0e442' fillstyle solid noborder
  set label '' at screen 0.8130, screen 0.6596 front point pointtype 7 pointsize 1.1 linecolor rgb '#f0e442'
  set label 'be-16k: 0.967' at screen 0.8320, screen 0.6596 left noenhanced font ',16'
  set object rectangle from screen 0.8020, screen 0.6135 to screen 0.8060, screen 0.6206 front fillcolor rgb '#e8a673' fillstyle solid noborder
  set object rectangle from screen 0.8110, screen 0.6135 to screen 0.8150, screen 0.6206 front fillcolor rgb '#e8a673' fillstyle solid noborder
  set object rectangle from screen 0.8200, screen 0.6135 to screen 0.8240, screen 0.6206 front fillcolor rgb '#e8a673' fillstyle solid noborder
  set label 'btree-64k: 0.956' at screen 0.8320, screen 0.6170 left noenhanced font ',16'
  set object rectangle from screen 0.8020, screen 0.5709 to screen 0.8060, screen 0.5780 front fillcolor rgb '#753400' fillstyle solid noborder
  set object rectangle from screen 0.8110, screen 0.5709 to screen 0.8150, screen 0.5780 front fillcolor rgb '#753400' fillstyle solid noborder
  set object rectangle from screen 0.8200, screen 0.5709 to screen 0.8240, screen 0.5780 front fillcolor rgb '#753400' fillstyle solid noborder
  set label 'btree-16k: 0.956' at screen 0.8320, screen 0.5745 left noenhanced font ',16'
  set object rectangle from screen 0.8020, screen 0.5284 to screen 0.8240, screen 0.5355 front fillcolor rgb '#56b4e9' fillstyle solid noborder
  set label '' at screen 0.8130, screen 0.5319 front point pointtype 7 pointsize 1.1 linecolor rgb '#56b4e9'
  set label 'be-64k: 0.943' at screen 0.8320, screen 0.5319 left noenhanced font ',16'
  set arrow from graph 0, first 0.9882 to graph 1, first 0.9882 nohead linewidth 2.2 dashtype 3 linecolor rgb '#d55e00'
  set label 'btree' at graph 0.01, first 0.9882 left offset 0,0.5 noenhanced font ',14' textcolor rgb '#d55e00'
  set arrow from graph 0, first 0.9557 to graph 1, first 0.9557 nohead linewidth 2.2 dashtype 3 linecolor rgb '#753400'
  set label 'btree-16k' at graph 0.21, first 0.9557 left offset 0,0.5 noenhanced font ',14' textcolor rgb '#753400'
  set arrow from graph 0, first 0.95585 to graph 1, first 0.95585 nohead linewidth 2.2 dashtype 3 linecolor rgb '#e8a673'
  set label 'btree-64k' at graph 0.41, first 0.95585 left offset 0,0.5 noenhanced font ',14' textcolor rgb '#e8a673'
  set arrow from graph 0, first 1.336 to graph 1, first 1.336 nohead linewidth 2.2 dashtype 3 linecolor rgb '#0072b2'
  set label 'sqlite' at graph 0.61, first 1.336 left offset 0,0.5 noenhanced font ',14' textcolor rgb '#0072b2'
  plot \
    data using (is('be-16k') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#f0e442', \
    data using (is('be-64k') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#56b4e9', \
    data using (is('be-256k') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#cc79a7'
  unset output
}
